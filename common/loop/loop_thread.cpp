#include "common/loop/loop_thread.h"

#include "common/process.h"

namespace xylem {

LoopThread::LoopThread(const std::string& name)
    : thread_([this, name] {
        name_this_thread(name);
        loop_.run();
      }) {
  auto running = std::make_shared<std::promise<void>>();
  XYLEM_CHECK(loop_.post([running] { running->set_value(); }));
  running->get_future().wait();  // until then the loop is still the caller's
}

LoopThread::~LoopThread() {
  loop_.stop();
  thread_.join();
}

}  // namespace xylem
