// SPDX-License-Identifier: Apache-2.0
//
// The questions of asking.h, as texts.

#include "crdt/datalog/parse.h"
#include "tests/mcu/asking.h"

namespace grid::mcu {

Result<datalog::Query> question(Asked asked, Arena& arena) {
  constexpr std::string_view kTexts[] = {
      "[:find ?n ?w :where [?h :hut/name ?n] [?h :hut/valley ?v] [?v :valley/warden ?w] :order-by ?w]",
      "[:find ?b ?n :where [?h :hut/beds ?b] [?h :hut/name ?n] [(>= ?b 20)] [(< ?b 40)] :order-by ?n :desc :limit 3]",
      "[:find ?v (count ?h) (sum ?b) (avg ?b) (min ?b) :where [?h :hut/valley ?v] [?h :hut/beds ?b]]",
      "[:find ?n :in $ % ?from :where (path ?from ?to) [?to :hut/name ?n]]",
      ("[:find (pull ?h [:hut/name :hut/tag {:hut/valley [:valley/warden]}]) :where [?h :hut/beds ?b] [(> ?b 20)]"
       " [(<= ?b 30)]]"),
      "[:find ?n :where [?h :hut/name ?n] (not [?h :hut/tag])]",
      ("[:find ?n ?w :where [?h :hut/name ?n] [(str \"hut \" ?n) ?w] (or-join [?h] [?h :hut/beds 6]"
       " (and [?h :hut/height ?b] [(> ?b 2500.25)]))]"),
      "[:find ?h ?n ?b ?w :where [?h :hut/beds] [?n :hut/beds] [?b :hut/beds] [?w :hut/beds]]",
  };
  constexpr std::string_view kRules =
      "[[(path ?a ?b) [?a :hut/next ?b]] [(path ?a ?b) [?a :hut/next ?by] (path ?by ?b)]]";
  datalog::Trouble trouble;
  return datalog::parse(kTexts[static_cast<std::size_t>(asked)], asked == Asked::recursion ? kRules : "", arena,
                        trouble);
}

}  // namespace grid::mcu
