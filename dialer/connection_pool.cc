#include "dialer/connection_pool.h"

#include <algorithm>
#include <csignal>
#include <utility>

#include "base/status_macros.h"
#include "base/this_thread.h"

namespace tocsin::dialer {
namespace {

constexpr std::chrono::seconds kIdleForLong{30};
constexpr std::chrono::seconds kInterruptAgain{1};

}  // namespace

ConnectionPool::ConnectionPool(Options options, const Clock& clock)
    : options_(std::move(options)),
      clock_(clock),
      watch_([this](const std::stop_token& stop) { Watch(stop); }) {
  // The library writes without MSG_NOSIGNAL.
  std::signal(SIGPIPE, SIG_IGN);
}

ConnectionPool::~ConnectionPool() {
  watch_.request_stop();
  watch_.join();
}

absl::StatusOr<ConnectionPool::Loan> ConnectionPool::Borrow(const std::string& endpoint) {
  std::unique_ptr<HttpConnection> connection = TakeIdle(endpoint);
  if (connection == nullptr) {
    TOCSIN_ASSIGN_OR_RETURN(Endpoint parsed, ParseEndpoint(endpoint));
    connection =
        std::make_unique<HttpConnection>(std::move(parsed), options_.timeouts, options_.ca_file);
  }
  const auto exchange = Begin(*connection);
  const absl::Status prepared = connection->Prepare(clock_.Steady());
  End(exchange);
  TOCSIN_RETURN_IF_ERROR(prepared);
  return Loan(*this, endpoint, std::move(connection));
}

void ConnectionPool::CloseIdle() {
  std::map<std::string, std::vector<std::unique_ptr<HttpConnection>>> closing;
  const std::lock_guard lock(mutex_);
  closing.swap(idle_);
}

std::unique_ptr<HttpConnection> ConnectionPool::TakeIdle(const std::string& endpoint) {
  const std::lock_guard lock(mutex_);
  auto& idle = idle_[endpoint];
  if (idle.empty()) return nullptr;
  std::unique_ptr<HttpConnection> taken = std::move(idle.back());
  idle.pop_back();
  return taken;
}

void ConnectionPool::GiveBack(const std::string& endpoint,
                              std::unique_ptr<HttpConnection> connection) {
  std::unique_ptr<HttpConnection> closing;  // Outside the lock.
  const std::lock_guard lock(mutex_);
  auto& idle = idle_[endpoint];
  if (!idle.empty() && clock_.Steady() - idle.front()->last_answer() > kIdleForLong) {
    closing = std::move(idle.front());
    idle.erase(idle.begin());
  }
  idle.push_back(std::move(connection));
}

ConnectionPool::Exchanges::iterator ConnectionPool::Begin(HttpConnection& connection) {
  auto exchange = std::make_shared<Exchange>();
  exchange->deadline = clock_.Steady() + absl::ToChronoNanoseconds(options_.timeouts.request);
  exchange->connection = &connection;
  const std::lock_guard lock(mutex_);
  const auto it = exchanges_.insert(exchanges_.end(), std::move(exchange));
  if (exchanges_.size() == 1) begun_.notify_one();
  return it;
}

void ConnectionPool::End(Exchanges::iterator it) {
  {
    const std::lock_guard lock((*it)->mutex);
    (*it)->connection = nullptr;
  }
  const std::lock_guard lock(mutex_);
  exchanges_.erase(it);
}

std::vector<std::shared_ptr<ConnectionPool::Exchange>> ConnectionPool::TakeOverdue(
    SteadyTime now, SteadyTime& next) {
  std::vector<std::shared_ptr<Exchange>> overdue;
  const std::lock_guard lock(mutex_);
  for (const auto& exchange : exchanges_) {
    next = exchange->deadline;
    if (next > now) break;
    // Interrupted again at the next look, should it not have ended by then.
    next = now + kInterruptAgain;
    overdue.push_back(exchange);
  }
  return overdue;
}

void ConnectionPool::Watch(const std::stop_token& stop) {
  NameThisThread("watch-sends");
  while (!stop.stop_requested()) {
    {
      std::unique_lock lock(mutex_);
      if (!begun_.wait(lock, stop, [this] { return !exchanges_.empty(); })) return;
    }
    SteadyTime next = clock_.Steady();
    for (const auto& exchange : TakeOverdue(next, next)) {
      const std::lock_guard lock(exchange->mutex);
      if (exchange->connection != nullptr) exchange->connection->Interrupt();
    }
    clock_.SleepUntil(next, stop);
  }
}

ConnectionPool::Loan::Loan(ConnectionPool& pool, std::string endpoint,
                           std::unique_ptr<HttpConnection> connection)
    : pool_(&pool), endpoint_(std::move(endpoint)), connection_(std::move(connection)) {}

ConnectionPool::Loan::~Loan() {
  if (connection_ != nullptr) pool_->GiveBack(endpoint_, std::move(connection_));
}

HttpResult ConnectionPool::Loan::Send(const HttpOrder& order) {
  const auto exchange = pool_->Begin(*connection_);
  HttpResult result = connection_->Send(order, pool_->clock_);
  pool_->End(exchange);
  return result;
}

}  // namespace tocsin::dialer
