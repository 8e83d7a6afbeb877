#pragma once
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/served_certificate.h"
#include "core/phone_number.h"
#include "core/store.h"

namespace tocsin {

// The gRPC server: tocsin.v1.CampaignService and TrunkService, the standard
// health service and reflection. Without a certificate it has no TLS; who may
// come in, a certificate with authorities for clients says, or else nobody asks.
//
// What is bounded: threads, streams (each holds a thread), a message's size,
// the silence of a client that is sending a list, connections that are dead,
// and requests of one connection at once.
class ApiServer {
 public:
  struct Options {
    // host:port; port 0: any free one, port() tells which.
    std::string listen_address = "127.0.0.1:7233";
    std::shared_ptr<ServedCertificate> certificate;  // Null: no TLS.
    TenantId tenant{1};
    int threads_max = 64;
    // Watchers and imports at once; the rest of the threads is for short calls.
    int streams_max = 40;
    // The largest is a recording of 8 MiB; a batch of 1,000 rows has 0.2 MiB.
    int message_bytes_max = 9 << 20;
    // A sender of a list who says nothing for so long is cut off.
    absl::Duration silence_max = absl::Seconds(60);
    // Threads that read numbers, and that store batches, for each import.
    int import_readers = 2;
    int import_storers = 2;
    // OnChange() will be called; otherwise those who watch ask the store every 250 ms.
    bool told_of_changes = false;
    // Whether a text in this language can be said on our side; what is missing if not.
    // Unset: any can.
    std::function<absl::Status(std::string_view language)> speaks;
  };

  // Serves until Shutdown(). The arguments must outlive it. kUnavailable if the
  // address cannot be bound: the message names it and says what to do.
  static absl::StatusOr<std::unique_ptr<ApiServer>> Start(const Options& options,
                                                          CampaignStore& store,
                                                          const PhoneNumberReader& numbers,
                                                          const Clock& clock);
  // Shuts down without grace.
  ~ApiServer();
  ApiServer(const ApiServer&) = delete;
  ApiServer& operator=(const ApiServer&) = delete;

  int port() const;

  // Something has been committed, here or on another node. Does not block.
  void OnChange();

  // Tells the health service, ends the watchers with UNAVAILABLE, takes no more
  // calls, and gives those in progress so long before it cancels them. Safe to
  // repeat.
  void Shutdown(absl::Duration grace);

 private:
  class Impl;
  explicit ApiServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tocsin
