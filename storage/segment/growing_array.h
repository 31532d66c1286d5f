// An array that one thread appends to while others read it: elements never move.
//
// Pieces double in size, so an empty array costs no heap and any other one 20 pointers.
// Threads: push_back: one writer; size, operator[]: any. Limits: 64 * (2^20 - 1) elements.
#pragma once

#include "common/check.h"

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <memory>

namespace xylem::storage {

template <class T>
class GrowingArray {
 public:
  GrowingArray() = default;

  ~GrowingArray() {
    for (auto& piece : pieces_) std::default_delete<T[]>()(piece.load(std::memory_order_relaxed));
  }

  GrowingArray(const GrowingArray&) = delete;
  GrowingArray& operator=(const GrowingArray&) = delete;

  void push_back(const T& value) {
    const auto index = size_.load(std::memory_order_relaxed);
    const auto at = place_of(index);
    XYLEM_CHECK(at.piece < kPieces);
    auto* piece = pieces_.at(at.piece).load(std::memory_order_relaxed);
    if (piece == nullptr) {
      piece = std::make_unique<T[]>(kFirst << at.piece).release();
      pieces_.at(at.piece).store(piece, std::memory_order_release);
    }
    piece[at.index] = value;
    size_.store(index + 1, std::memory_order_release);
  }

  [[nodiscard]] std::size_t size() const noexcept { return size_.load(std::memory_order_acquire); }

  [[nodiscard]] const T& operator[](std::size_t index) const {
    const auto at = place_of(index);
    return pieces_[at.piece].load(std::memory_order_acquire)[at.index];
  }

 private:
  struct Place {
    std::size_t piece;
    std::size_t index;
  };

  static constexpr std::size_t kFirst = 64;  // elements of the first piece
  static constexpr std::size_t kPieces = 20;

  static Place place_of(std::size_t index) noexcept {
    const auto whole = index / kFirst + 1;  // piece i holds kFirst * 2^i elements
    return {static_cast<std::size_t>(std::bit_width(whole) - 1),
            index - kFirst * (std::bit_floor(whole) - 1)};
  }

  std::array<std::atomic<T*>, kPieces> pieces_{};
  std::atomic<std::size_t> size_{0};
};

}  // namespace xylem::storage
