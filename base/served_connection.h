#pragma once
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "base/clock.h"
#include "base/http_server.h"
#include "base/http_stream.h"
#include "base/tls_stream.h"

namespace tocsin {

// One connection of an HttpServer: reads a request, has it answered, and reads the
// next one then. It belongs to one loop, on whose thread all but Answer() happens.
class ServedConnection final : public HttpReply::Asker,
                               public std::enable_shared_from_this<ServedConnection> {
 public:
  // What the connections of one thread share. Outlives them.
  struct Loop {
    boost::asio::io_context context{1};
    std::unordered_set<std::shared_ptr<ServedConnection>> open;
    bool stopping = false;
  };

  // All must outlive it. `closed` is called once, on the loop's thread.
  ServedConnection(Loop& loop, boost::asio::ip::tcp::socket socket,
                   const HttpServer::Options& options, const HttpServer::AsyncHandler& handler,
                   const std::function<void()>& closed);

  void Start();

  void Answer(HttpResponse response) override;

  // Whose time is up is told so, or hung up on.
  void LookAtTheTime(SteadyTime now);

  // Closes if nobody has asked for anything; else after the answer.
  void CloseSoon();

 private:
  using Parser = boost::beast::http::request_parser<boost::beast::http::string_body>;
  using Error = boost::beast::error_code;

  enum class State {
    kShaking,    // Hands, over TLS.
    kIdle,       // Nothing has come of the next request.
    kReading,    // Something has.
    kAsking,     // The handler has it.
    kWriting,    // The answer, or rather what the peer did not take at once.
    kLingering,  // All is said; until the peer has hung up.
    kClosed,
  };

  void AwaitReadable();
  void AwaitArrival();
  void OnReadable();
  void ShakeHands();
  void ReadOn();
  bool MakeRoom();
  void Begin();
  bool Parse();
  void HandOver(Parser& parser);
  void Refuse(int status);
  void RefuseAsUnfit(const Error& error);
  void Write(const HttpResponse& response);
  void FlushOn();
  void AwaitNext();
  void Linger();
  void Drain();
  void Close();

  Loop& loop_;
  boost::asio::ip::tcp::socket socket_;
  const HttpServer::Options& options_;
  const HttpServer::AsyncHandler& handler_;
  const std::function<void()>& closed_;
  const std::string remote_address_;
  SocketStream wire_;
  std::shared_ptr<const TlsIdentity> identity_;  // Of tls_.
  std::optional<TlsStream> tls_;
  HttpStream* stream_ = nullptr;  // tls_ or wire_.

  State state_ = State::kIdle;
  SteadyTime deadline_;  // Of the state.
  SteadyTime request_deadline_;
  std::vector<char> in_;
  std::size_t begin_ = 0, end_ = 0;  // Of what nobody has parsed.
  std::optional<Parser> parser_;     // Of the request that is being read.
  std::size_t drained_ = 0;          // While lingering.
  bool told_to_continue_ = false;
  bool keeps_alive_ = true;
  bool wants_body_ = true;  // Not of a HEAD.
};

}  // namespace tocsin
