#include "common/thread_name.h"

#include <pthread.h>

namespace xylem {

void name_this_thread(const std::string& name) noexcept {
  pthread_setname_np(pthread_self(), name.substr(0, kThreadNameMax).c_str());
}

}  // namespace xylem
