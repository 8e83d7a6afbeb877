#pragma once
#include <condition_variable>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "base/clock.h"
#include "dialer/http_connection.h"

namespace tocsin::dialer {

// The open connections to all providers. A borrower gets the one used last, so
// that few stay warm however many workers there are. Also ends exchanges that
// trickle on past the limit of a whole request, which a timeout of single reads
// does not.
//
// Thread-safe. As many connections as there are borrowers at once; those idle
// for long are closed when others are given back.
class ConnectionPool {
 public:
  struct Options {
    HttpTimeouts timeouts;
    std::string ca_file;  // PEM; empty: the system's.
  };

  // A borrowed connection, open and warm; goes back when it is destroyed.
  class Loan {
   public:
    Loan(Loan&&) = default;
    Loan& operator=(Loan&&) = delete;
    ~Loan();

    // As HttpConnection::Send, within timeouts.request in all.
    HttpResult Send(const HttpOrder& order);

   private:
    friend class ConnectionPool;
    Loan(ConnectionPool& pool, std::string endpoint, std::unique_ptr<HttpConnection> connection);

    ConnectionPool* pool_;
    std::string endpoint_;
    std::unique_ptr<HttpConnection> connection_;
  };

  ConnectionPool(Options options, const Clock& clock);
  ~ConnectionPool();
  ConnectionPool(const ConnectionPool&) = delete;
  ConnectionPool& operator=(const ConnectionPool&) = delete;

  // `endpoint` as a trunk has it. kInvalidArgument if it is none; kUnavailable
  // if nothing answers there. Blocks for as long as connecting may take.
  absl::StatusOr<Loan> Borrow(const std::string& endpoint);

  // Closes idle connections, so that the provider can forget about us.
  void CloseIdle();

 private:
  // One in progress. Shared with the watch, which interrupts without holding up
  // anybody but this borrower: connecting may take long and cannot be ended.
  struct Exchange {
    SteadyTime deadline;
    std::mutex mutex;
    HttpConnection* connection;  // Null once it has ended.
  };
  using Exchanges = std::list<std::shared_ptr<Exchange>>;

  std::unique_ptr<HttpConnection> TakeIdle(const std::string& endpoint);
  void GiveBack(const std::string& endpoint, std::unique_ptr<HttpConnection> connection);
  Exchanges::iterator Begin(HttpConnection& connection);
  void End(Exchanges::iterator exchange);
  void Watch(const std::stop_token& stop);
  std::vector<std::shared_ptr<Exchange>> TakeOverdue(SteadyTime now, SteadyTime& next);

  const Options options_;
  const Clock& clock_;
  std::mutex mutex_;
  std::map<std::string, std::vector<std::unique_ptr<HttpConnection>>> idle_;  // Last used last.
  Exchanges exchanges_;  // Oldest deadline first: all have the same limit.
  std::condition_variable_any begun_;
  std::jthread watch_;  // Last: it uses all of the above.
};

}  // namespace tocsin::dialer
