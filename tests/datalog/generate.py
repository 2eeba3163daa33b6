# SPDX-License-Identifier: Apache-2.0
"""Random facts and random questions about them, which DataScript and we are to answer alike.

A question is kept as its parts, so that what fails can be made smaller part by part. Attributes stand in them as
@name@, since DataScript's JavaScript names them by text and we by keyword as well.

Where we differ from DataScript by design, questions are not asked. docs/datalog.md tells of each:
  order       DataScript takes clauses as they stand, so they are generated in an order that it can take. We get them
              shuffled.
  kinds       comparing values of different kinds (we have a total order), `type`, even? and odd? of what is no integer
  text        str of numbers that are not integers; upper-case and lower-case, which DataScript lacks in JavaScript
  lists       `get` of what `list` made is nil there
  bytes       have no form in the EDN that DataScript reads, and an array of them equals itself alone there
  nil         division by zero, a default of nil
  not         a `not` that shares no variable with what is around it is refused by us
  constants   DataScript puts a constant argument of a rule where a function's answer is bound, too, and fails
  blanks      what DataScript puts for `_` in a call of a rule that negates is `_` inside of the `not` too
  entities    only integers are entities there
  missing     DataScript takes a ref to nothing for none where the attribute has one value; where it has many, not
  twice       DataScript does not see that [?e :friend ?e] and (r ?e ?e) name one variable twice
  scalars     `.` and `[?a ?b]` tell one row of several, and each may tell another
"""
from parts import ATTRIBUTES, COMPARISONS, NUMERIC, SCHEMA, Parts, edn  # noqa: F401


class Generator(Parts):
    """Makes one case from one seed."""

    # Clauses. Each takes the variables that are bound before it, and adds those that it binds.

    def entity(self, env):
        names = self.known(env, "ent")
        if names and self.chance(65):
            return self.pick(names)
        if self.chance(12):
            return str(self.constant("ent"))
        name = self.fresh("ent")
        env[name] = "ent"
        return name

    def value(self, env, kind, entity=None):
        same = [name for name in self.known(env, NUMERIC if kind in NUMERIC else kind) if name != entity]
        roll = self.random.randrange(100)
        if same and roll < 25:
            name = self.pick(same)
            if env[name] != kind:
                env[name] = "num"
            return name
        if roll < 70:
            name = self.fresh(kind)
            env[name] = kind
            return name
        return edn(self.constant(kind)) if roll < 88 else "_"

    def pattern(self, env):
        name = self.attribute()
        entity = self.entity(env)
        roll = self.random.randrange(100)
        if roll < 4:
            attribute = self.fresh("attr")
            env[attribute] = "str"
            if self.chance(50):
                return f"[{entity} {attribute}]"
            value = self.fresh("any")
            env[value] = "any"
            return f"[{entity} {attribute} {value}]"
        if roll < 8:
            return f"[{entity} _ {self.value(env, 'any', entity)}]"
        if roll < 16:
            return f"[{entity} @{name}@]"
        source = "$ " if self.chance(5) else ""
        return f"[{source}{entity} @{name}@ {self.value(env, ATTRIBUTES[name][0], entity)}]"

    def predicate(self, env):
        ents, texts, numbers = self.known(env, "ent"), self.known(env, "str"), self.known(env, NUMERIC)
        whole, truths, dates = self.known(env, "int"), self.known(env, "bool"), self.known(env, "inst")
        choices = []
        if ents:
            missed = self.pick(name for name in ATTRIBUTES if name not in ("friend", "boss"))
            choices.append(lambda: f"[(missing? $ {self.pick(ents)} @{missed}@)]")
            choices.append(lambda: f"[({self.pick(COMPARISONS)} {self.pick(ents)} {self.argument(env, 'ent')})]")
        if numbers:
            choices.append(lambda: f"[({self.pick(COMPARISONS)} {self.pick(numbers)} {self.argument(env, NUMERIC)})]")
            choices.append(lambda: f"[({self.pick(COMPARISONS)} {self.argument(env, NUMERIC)} {self.pick(numbers)})]")
            choices.append(lambda: f"[(< {self.argument(env, NUMERIC)} {self.pick(numbers)} "
                                   f"{self.argument(env, NUMERIC)})]")
            choices.append(lambda: f"[({self.pick(('zero?', 'pos?', 'neg?'))} {self.pick(numbers)})]")
        if whole:
            choices.append(lambda: f"[({self.pick(('even?', 'odd?'))} {self.pick(whole)})]")
            choices.append(lambda: f"[(contains? #{{0 1 2}} {self.pick(whole)})]")
        if texts:
            choices.append(lambda: f"[({self.pick(COMPARISONS)} {self.pick(texts)} {self.argument(env, 'str')})]")
            name = self.pick(("starts-with?", "ends-with?", "includes?"))
            choices.append(lambda: f"[(clojure.string/{name} {self.pick(texts)} {self.argument(env, 'str')})]")
            choices.append(lambda: f"[(clojure.string/blank? {self.pick(texts)})]")
        if dates:
            for _ in range(2):
                choices.append(lambda: f"[({self.pick(COMPARISONS)} {self.pick(dates)} {self.argument(env, 'inst')})]")
            choices.append(lambda: f"[(< {self.argument(env, 'inst')} {self.pick(dates)} "
                                   f"{self.argument(env, 'inst')})]")
        if truths:
            choices.append(lambda: f"[({self.pick(('true?', 'false?', 'not', 'identity'))} {self.pick(truths)})]")
            choices.append(lambda: f"[({self.pick(('and', 'or'))} {self.pick(truths)} {self.argument(env, 'bool')})]")
        if env:
            choices.append(lambda: f"[({self.pick(('some?', 'nil?', 'identity'))} {self.pick(sorted(env))})]")
        return self.pick(choices)() if choices else None

    def function(self, env):
        """A call and the types of what it returns, and how that is bound."""
        ents, texts, numbers = self.known(env, "ent"), self.known(env, "str"), self.known(env, NUMERIC)
        whole, dates = self.known(env, "int"), self.known(env, "inst")
        choices = [self.ground, self.tuple, self.take]
        if ents:
            choices += [self.get_else, self.get_else, self.get_some]
        if numbers:
            choices += [self.arithmetic, self.arithmetic]
            choices.append(lambda now: (f"({self.pick(COMPARISONS)} {self.pick(numbers)} "
                                        f"{self.argument(now, NUMERIC)})", "bool"))
            choices.append(lambda now: (f"(compare {self.pick(numbers)} {self.argument(now, NUMERIC)})", "int"))
        if whole:
            divisor = self.pick((-3, -2, 1, 2, 3))
            choices.append(lambda now: (f"({self.pick(('quot', 'rem', 'mod'))} {self.pick(whole)} {divisor})", "int"))
            choices.append(lambda now: (f"({self.pick(('inc', 'dec', '-', 'identity'))} {self.pick(whole)})", "int"))
        if dates:
            choices.append(lambda now: (f"(compare {self.pick(dates)} {self.argument(now, 'inst')})", "int"))
            choices.append(lambda now: (f"({self.pick(COMPARISONS)} {self.pick(dates)} {self.argument(now, 'inst')})",
                                        "bool"))
        if texts:
            choices.append(lambda now: (f"(count {self.pick(texts)})", "int"))
            choices.append(lambda now: (f"(str {self.pick(texts)} {self.argument(now, ('str', 'int', 'bool'))})",
                                        "str"))
            choices.append(lambda now: (f"(not-empty {self.pick(texts)})", "str"))
            choices.append(lambda now: (f"(empty? {self.pick(texts)})", "bool"))
            choices.append(lambda now: (f"(subs {self.pick(texts)} {self.pick(('0', '1', '0 1'))})", "str"))
        call, kind = self.pick(choices)(env)
        if isinstance(kind, str):
            return f"[{call} {self.target(env, kind)}]"
        return f"[{call} {self.shape(env, kind)}]"

    def target(self, env, kind):
        same = self.known(env, NUMERIC if kind in NUMERIC else kind)
        if same and kind != "num" and self.chance(10):
            return self.pick(same)
        name = self.fresh(kind)
        env[name] = kind
        return name

    def shape(self, env, kinds):
        """A binding for ("each", types) or ("tuple", types)."""
        how, parts = kinds
        names = []
        for kind in parts:
            name = "_" if kind == "_" or self.chance(8) else self.target(env, kind)
            names.append("_" if name in names else name)
        if not any(name.startswith("?") for name in names):
            names[0] = self.fresh("any")
            env[names[0]] = "any"
        if how == "tuple":
            return "[" + " ".join(names) + "]"
        if len(parts) == 1:
            return f"[{names[0]} ...]"
        return "[[" + " ".join(names) + "]]" if self.chance(60) else "[[" + " ".join(names) + "] ...]"

    def arithmetic(self, env):
        first, second = self.pick(self.known(env, NUMERIC)), self.argument(env, NUMERIC)
        roll = self.random.randrange(6)
        if roll < 3:
            return f"({self.pick('+-*')} {first} {second})", "num"
        if roll == 3:
            return f"(/ {first} {self.pick((2, 4, -2))})", "num"
        return f"({self.pick(('max', 'min'))} {first} {second})", "num"

    def ground(self, _env):
        kind = self.pick(("int", "str", "ent", "bool", "inst"))
        if self.chance(40):
            return f"(ground {edn(self.constant(kind))})", kind
        if self.chance(60):
            values = [self.constant(kind) for _ in range(self.random.randint(0, 3))]
            return f"(ground {edn(values)})", ("each", (kind,))
        rows = [[self.constant(kind), self.constant("int")] for _ in range(self.random.randint(1, 3))]
        return f"(ground {edn(rows)})", ("each", (kind, "int"))

    def tuple(self, env):
        kinds = [self.pick(("int", "str", "ent", "inst")) for _ in range(2)]
        parts = " ".join(self.argument(env, kind) for kind in kinds)
        if self.chance(20):
            return f"({self.pick(('tuple', 'vector'))} {parts})", "list"
        return f"({self.pick(('tuple', 'vector', 'list'))} {parts})", ("tuple", tuple(kinds))

    def take(self, env):
        """What is in a constant, or in a list that a call made."""
        lists = self.known(env, "list")
        roll = self.random.randrange(4)
        if roll == 0 and lists:
            return f"(get {self.pick(lists)} {self.random.randint(0, 1)})", "any"
        if roll == 1 and lists:
            return f"(count {self.pick(lists)})", "int"
        if roll == 2 and lists:
            return f"(untuple {self.pick(lists)})", ("tuple", ("any", "any"))
        return f'(get {{"a" 1 "b" 2}} {edn(self.pick(("a", "b")))})', "int"

    def get_else(self, env):
        name = self.pick(("name", "age", "score", "active", "born"))
        kind = ATTRIBUTES[name][0]
        return f"(get-else $ {self.pick(self.known(env, 'ent'))} @{name}@ {edn(self.constant(kind))})", kind

    def get_some(self, env):
        names = self.pick((("name",), ("age", "score"), ("active",), ("born",), ("score", "age")))
        kind = "num" if len(names) == 2 else ATTRIBUTES[names[0]][0]
        attributes = " ".join(f"@{name}@" for name in names)
        return f"(get-some $ {self.pick(self.known(env, 'ent'))} {attributes})", ("tuple", ("_", kind))

    def joined_pattern(self, env, names):
        """A pattern about one of the variables."""
        name = self.pick(names)
        kind = env[name]
        if kind == "ent" and self.chance(70):
            attribute = self.attribute()
            return f"[{name} @{attribute}@ {self.value(env, ATTRIBUTES[attribute][0], name)}]"
        if kind in ("any", "bool", "list"):
            return f"[_ _ {name}]"
        attribute = self.attribute(kind)
        entity = self.entity(env)
        return f"[{self.entity({}) if entity == name else entity} @{attribute}@ {name}]"

    def inside(self, env, names, extra=True):
        """Clauses about some of `names`; what else they bind is theirs."""
        clauses = [self.joined_pattern(env, names)]
        if extra and self.chance(35):
            clauses.append(self.pick((self.pattern, self.function))(env))
        if extra and self.chance(30):
            clauses.append(self.predicate(env) or self.pattern(env))
        return clauses

    def negation(self, env, depth=0):
        names = sorted(env)
        if not names:
            return None
        if self.chance(35):
            heads = self.random.sample(names, min(len(names), self.random.randint(1, 2)))
            inner = {name: env[name] for name in heads}
            clauses = [self.joined_pattern(inner, [name]) for name in heads]
            return f"(not-join [{' '.join(heads)}] {' '.join(clauses)})"
        inner = dict(env)
        clauses = self.inside(inner, names)
        if depth == 0 and self.chance(15):
            clauses.append(self.negation(inner, 1))
        if self.rule_calls and self.chance(15):
            clauses.append(self.rule_call(inner))
        return f"(not {' '.join(clauses)})"

    def branch(self, env, names):
        """A branch of `or` that uses these variables and no others: an entity, perhaps with a value."""
        if len(names) == 1:
            attribute = self.attribute()
            value = edn(self.constant(ATTRIBUTES[attribute][0])) if self.chance(50) else "_"
            one = f"[{names[0]} @{attribute}@ {value}]"
            if self.chance(30):
                return f"(and {one} [{names[0]} @{self.attribute()}@])"
            return f"(and {one} (not [{names[0]} @{self.attribute()}@]))" if self.chance(15) else one
        one = f"[{names[0]} @{self.attribute(env[names[1]])}@ {names[1]}]"
        if self.chance(25):
            now = {name: env[name] for name in names}
            return f"(and {one} {self.predicate(now)})"
        if self.chance(20) and env[names[1]] != "ent":
            return f"(and [{names[0]} @{self.attribute()}@] [(ground {edn(self.constant(env[names[1]]))}) {names[1]}])"
        return one

    def disjunction(self, env):
        names = [self.entity(env)]
        if not names[0].startswith("?"):
            return None
        if self.chance(60):
            kind = self.pick(("str", "int", "ent", "inst"))
            name = self.target(env, kind)
            names += [name] if name != names[0] else []
        return "(or " + " ".join(self.branch(env, names) for _ in range(self.random.randint(1, 3))) + ")"

    def or_join(self, env):
        ents = self.known(env, "ent")
        kind = self.pick(("str", "int", "ent", "inst"))
        branches = []
        required = bool(ents) and self.chance(40)
        entity = self.pick(ents) if ents else self.entity(env)
        if not entity.startswith("?"):
            return None
        value = self.fresh(kind)
        for _ in range(self.random.randint(1, 3)):
            one = f"[{entity} @{self.attribute(kind)}@ {value}]"
            if self.chance(40):
                other = self.fresh("ent")
                one = (f"(and [{entity} @{self.attribute('ent')}@ {other}] "
                       f"[{other} @{self.attribute(kind)}@ {value}])")
            branches.append(one)
        env[value] = kind
        head = f"[[{entity}] {value}]" if required else f"[{entity} {value}]"
        return f"(or-join {head} {' '.join(branches)})"

    # What is asked for, and the whole

    def clauses(self):
        where = [self.pattern(self.env) for _ in range(self.random.randint(1, 2 if self.is_large else 3))]
        for _ in range(self.pick((0, 1) if self.is_large else (0, 0, 1, 1, 2, 3))):
            makers = [self.pattern, self.predicate, self.predicate, self.function, self.function, self.negation,
                      self.negation, self.disjunction, self.or_join]
            if self.rule_calls:
                makers += [self.rule_call] * 4
            clause = self.pick(makers)(self.env)
            if clause is not None:
                where.append(clause)
        if self.rule_calls and not any(f"({name} " in clause for clause in where for name, _, _ in self.rule_calls):
            where.append(self.rule_call(self.env))
        return where

    def find(self):
        """Elements of :find, each a text and a kind of comparison."""
        names = sorted(self.env)
        chosen = self.random.sample(names, min(len(names), self.random.randint(1, 3)))
        ents = self.known(self.env, "ent")
        if ents and self.chance(18):
            entity = self.pick(ents)
            return [(f"(pull {entity} {self.pull_pattern()})", "pull")] + [
                (name, "exact") for name in chosen[:1] if name != entity]
        elements = []
        for name in chosen:
            elements.append(self.aggregate(name) if self.aggregates else (name, "exact"))
            if self.aggregates and self.chance(40):
                elements[-1] = (name, "exact")
        return elements

    def aggregate(self, name):
        kind = self.env[name]
        choices = [(f"(count {name})", "exact"), (f"(count-distinct {name})", "exact"),
                   (f"(distinct {name})", "set")]
        if kind in NUMERIC:
            choices += [(f"({one} {name})", "near") for one in ("avg", "median", "variance", "stddev")]
            choices += [(f"(sum {name})", "exact")] * 2
        if kind in (*NUMERIC, "str", "ent", "inst"):
            choices += [(f"(min {name})", "exact"), (f"(max {name})", "exact"), (f"(min 2 {name})", "exact"),
                        (f"(max 2 {name})", "exact")]
        return self.pick(choices)

    def case(self):
        self.has_rules = self.chance(30)
        # Enough of them for plans that small numbers never have.
        self.is_large = not self.has_rules and self.chance(4)
        if self.is_large:
            self.entities = self.random.randint(30, 60)
        facts = self.facts()
        inputs = self.inputs()
        if self.has_rules:
            self.add_rules()
        where = self.clauses()
        self.aggregates = self.chance(30)
        if not self.env:
            name = self.fresh("ent")
            self.env[name] = "ent"
            where.append(f"[{name}]")
        find = self.find()
        asked = " ".join(text for text, _ in find)
        others = [name for name in sorted(self.env) if name not in asked.replace(")", " ").split()]
        with_ = self.random.sample(others, min(len(others), 2)) if self.chance(25) else []
        shape = "relation"
        if self.chance(12):
            shape = "collection" if len(find) == 1 else "tuple"
            shape = "scalar" if len(find) == 1 and self.chance(40) else shape
        order = []
        if shape == "relation" and self.chance(15) and all(
                self.env.get(text) in ("ent", "int", "num", "str", "bool", "inst") for text, _ in find):
            order = [[at, self.chance(50)] for at in self.random.sample(range(len(find)), len(find))]
        return {
            "seed": self.seed, "facts": facts, "find": [list(one) for one in find], "with": with_,
            "in": [list(one) for one in inputs], "rules": self.rules, "where": where, "shape": shape, "order": order,
            "limit": self.random.randint(0, 5) if order and self.chance(60) else None,
            "offset": self.random.randint(0, 3) if order and self.chance(40) else 0,
        }
