#include "base/worker_pool.h"

#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <cstddef>
#include <exception>
#include <utility>

#include "base/log.h"
#include "base/this_thread.h"

namespace tocsin {

class WorkerPool::Impl {
 public:
  Impl(const char* name, int threads) : name_(name), pool_(static_cast<std::size_t>(threads)) {}

  void Run(absl::AnyInvocable<void()> work) {
    boost::asio::post(pool_, [name = name_, work = std::move(work)]() mutable {
      thread_local const bool named = (NameThisThread(name), true);
      static_cast<void>(named);
      try {
        work();
      } catch (const std::exception& error) {
        Log(LogLevel::kError, "work_failed", {{"thread", name}, {"error", error.what()}});
      }
    });
  }

  void Stop() { pool_.join(); }

 private:
  const char* const name_;
  boost::asio::thread_pool pool_;
};

WorkerPool::WorkerPool(const char* name, int threads)
    : impl_(std::make_unique<Impl>(name, threads)) {}
WorkerPool::~WorkerPool() {
  Stop();
}
void WorkerPool::Run(absl::AnyInvocable<void()> work) {
  impl_->Run(std::move(work));
}
void WorkerPool::Stop() {
  impl_->Stop();
}

}  // namespace tocsin
