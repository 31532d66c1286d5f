// The calling thread's name, as debuggers and `top -H` show it.
#pragma once

#include <cstddef>
#include <string>

namespace xylem {

inline constexpr std::size_t kThreadNameMax = 15;  // characters; the kernel's limit

// Longer names are cut.
void name_this_thread(const std::string& name) noexcept;

}  // namespace xylem
