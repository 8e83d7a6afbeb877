#pragma once
#include <memory>
#include <thread>

#include "base/clock.h"
#include "base/secret.h"
#include "core/store.h"

namespace tocsin::db {

// Tells a listener what other transactions, of this node and of others, have
// committed: PostgreSQL's LISTEN on a thread and a session of its own. After a
// lost connection it comes back by itself, and then tells of every channel,
// since nobody knows what was missed.
class ChangeFeed {
 public:
  // Begins at once; a database that is away is waited for. `listener` is called
  // on the feed's thread and must outlive it.
  ChangeFeed(Secret database_url, ChangeListener& listener, const Clock& clock = SystemClock());
  // Stops within milliseconds; no call to the listener comes after it.
  ~ChangeFeed();
  ChangeFeed(const ChangeFeed&) = delete;
  ChangeFeed& operator=(const ChangeFeed&) = delete;

 private:
  void Run(std::stop_token stop);
  // Listens until the connection breaks or a stop.
  void Listen(std::stop_token stop);

  const Secret database_url_;
  ChangeListener& listener_;
  const Clock& clock_;
  int wake_fd_;          // An eventfd: readable once a stop is requested.
  bool broken_ = false;  // The last connection ended by itself.
  std::jthread thread_;
};

}  // namespace tocsin::db
