// SPDX-License-Identifier: Apache-2.0
//
// Queue: first in, first out, and no memory while nothing waits: libstdc++'s deque takes 600 bytes at its birth, and a
// link that is idle has ten queues.
//
// Place     Bottom of server; knows nothing of what waits.
// Promises  What stays in it does not move: a reference stands until what it refers to is taken out.
#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <utility>

namespace grid::server {

template <typename T>
class Queue {
 public:
  bool empty() const { return items_ == nullptr; }
  std::size_t size() const { return empty() ? 0 : items_->size(); }

  // Of one that is not empty.
  T& front() { return items_->front(); }
  const T& front() const { return items_->front(); }
  T& back() { return items_->back(); }
  void pop_front() {
    items_->pop_front();
    settle();
  }
  void pop_back() {
    items_->pop_back();
    settle();
  }

  void push_back(T item) {
    if (empty()) items_ = std::make_unique<std::deque<T>>();
    items_->push_back(std::move(item));
  }
  template <typename Condition>
  void remove_if(Condition condition) {
    if (empty()) return;
    std::erase_if(*items_, condition);
    settle();
  }
  void clear() { items_.reset(); }

  auto begin() { return empty() ? typename std::deque<T>::iterator{} : items_->begin(); }
  auto end() { return empty() ? typename std::deque<T>::iterator{} : items_->end(); }
  auto begin() const { return empty() ? typename std::deque<T>::const_iterator{} : items_->cbegin(); }
  auto end() const { return empty() ? typename std::deque<T>::const_iterator{} : items_->cend(); }

 private:
  void settle() {
    if (items_->empty()) items_.reset();
  }

  std::unique_ptr<std::deque<T>> items_;  // None: empty.
};

}  // namespace grid::server
