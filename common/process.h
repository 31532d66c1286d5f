// This process, its threads and its machine, as the system tells.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace xylem {

// Resident memory; 0 where it cannot be read.
[[nodiscard]] std::int64_t resident_bytes();

// The machine's host name; "localhost" where it has none.
[[nodiscard]] std::string host_name();

// Lets this process hold as many descriptors as it is allowed to: every log and connection has one,
// and the usual soft limit of 1,024 is for programs that call select().
void raise_descriptor_limit() noexcept;

// Lets the allocator keep what is freed, up to some megabytes, instead of giving it to the kernel
// and faulting it in again, zeroed, for the next buffer.
void keep_freed_memory() noexcept;

// Appends the process's own figures in the Prometheus text format, under the names that its client
// libraries agree on; one that cannot be read is left out.
// Source: https://prometheus.io/docs/instrumenting/writing_clientlibs/#process-metrics
void append_process_metrics(std::string& exposition);

// What debuggers and `top -H` show for the calling thread. Longer names are cut.
void name_this_thread(const std::string& name) noexcept;

// The calling thread gives way to all others, on the CPU and on the disk.
void lower_this_thread() noexcept;

inline constexpr std::size_t kThreadNameMax = 15;  // characters; the kernel's limit

}  // namespace xylem
