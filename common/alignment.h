// Where bytes from outside may be read in place as values of a type.
#pragma once

#include <cstdint>

namespace xylem {

template <class T>
[[nodiscard]] bool is_aligned_for(const void* data) {
  return reinterpret_cast<std::uintptr_t>(data) % alignof(T) == 0;
}

}  // namespace xylem
