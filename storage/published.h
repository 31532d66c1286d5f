// One immutable value that a writer replaces and any number of threads read without a lock.
//
// Readers count themselves into the pointer's own word (a split reference count): load() is one
// fetch_add, a copy of a shared_ptr and, in general, one compare-and-swap. libstdc++'s
// std::atomic<std::shared_ptr> takes a spin bit instead, so a preempted thread holds up the rest.
//
//   63 ............. 16 | 15 ........... 0
//   address of the node | readers inside it
//
// Threads: any, also several writers.
#pragma once

#include "common/check.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

namespace xylem::storage {

template <class T>
class Published {
 public:
  using Value = std::shared_ptr<const T>;

  explicit Published(Value value = nullptr) : word_(word_of(std::move(value))) {}

  ~Published() { retire(word_.load(std::memory_order_acquire)); }

  Published(const Published&) = delete;
  Published& operator=(const Published&) = delete;

  [[nodiscard]] Value load() const {
    auto word = word_.fetch_add(1, std::memory_order_acquire) + 1;
    Node* const node = node_of(word);
    Value value = node->value;
    while (node_of(word) == node) {
      if (word_.compare_exchange_weak(word, word - 1, std::memory_order_acq_rel)) return value;
    }
    settle(node, -1);  // replaced meanwhile: the node itself keeps the account now
    return value;
  }

  void store(Value value) {
    retire(word_.exchange(word_of(std::move(value)), std::memory_order_acq_rel));
  }

 private:
  struct Node {
    Value value;
    std::atomic<std::int64_t> balance{0};  // readers counted in, less those that left
  };

  static constexpr unsigned kCountBits = 16;
  static constexpr std::uint64_t kCountMask = (1U << kCountBits) - 1;

  static Node* node_of(std::uint64_t word) noexcept {
    return reinterpret_cast<Node*>(word >> kCountBits);  // NOLINT(performance-no-int-to-ptr)
  }

  static std::uint64_t word_of(Value value) {
    auto node = std::make_unique<Node>();
    node->value = std::move(value);
    const auto address = reinterpret_cast<std::uint64_t>(node.release());
    XYLEM_CHECK(address >> (64 - kCountBits) == 0);
    return address << kCountBits;
  }

  static void retire(std::uint64_t word) {
    settle(node_of(word), static_cast<std::int64_t>(word & kCountMask));
  }

  // Whoever brings the account of a replaced node to zero is its last user.
  static void settle(Node* node, std::int64_t by) {
    if (node->balance.fetch_add(by, std::memory_order_acq_rel) + by == 0)
      std::default_delete<Node>()(node);
  }

  mutable std::atomic<std::uint64_t> word_;
};

}  // namespace xylem::storage
