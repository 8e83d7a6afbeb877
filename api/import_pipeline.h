#pragma once
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_set>
#include <vector>

#include "absl/status/status.h"
#include "api/row_reader.h"
#include "base/clock.h"
#include "core/store.h"
#include "tocsin/v1/campaign_service.pb.h"

namespace tocsin {

// What an import has come to so far.
struct ImportTotals {
  std::int64_t batches_stored = 0;
  std::int64_t rows_stored = 0;  // Of those batches: taken, duplicate and refused.
  std::map<std::string, std::int64_t> refused_by_reason;  // Duplicates, too.
  std::vector<RefusedRow> first_refused;                  // At most kFirstRefusedMax.
  std::int64_t ignored_numbers = 0;
  std::map<std::string, std::int64_t> ignored_by_reason;

  static constexpr std::size_t kFirstRefusedMax = 1000;
};

// One import under way: rows are read (libphonenumber) in several threads and
// stored by several, as if in the order in which they came: a batch waits for
// earlier ones only if they have a person_key in common, so that of two rows
// with one key the earlier wins and a repetition does the same again. Holds at
// most `batches_in_flight` batches, whatever the list's length: Add() then
// waits, and gRPC's flow control holds the sender.
//
// One thread adds. The arguments of the constructor must outlive it.
class ImportPipeline {
 public:
  struct Options {
    int readers = 2;
    int storers = 2;
    int batches_in_flight = 8;
  };

  ImportPipeline(const Options& options, CampaignStore& store, const PhoneNumberReader& numbers,
                 const CampaignSpec& spec, ImportId import, const Clock& clock);
  // Drops what is not stored yet.
  ~ImportPipeline();
  ImportPipeline(const ImportPipeline&) = delete;
  ImportPipeline& operator=(const ImportPipeline&) = delete;

  // Takes over a batch of 1 to 1,000 rows; waits for room. False: storing has
  // failed, and Finish() says how.
  bool Add(v1::RecipientBatch batch);

  // Waits until every batch is stored, or until one could not be and nothing is
  // under way any more. Add() must not be called any more.
  absl::Status Finish();

  // What was stored. Call after Finish().
  const ImportTotals& totals() const { return totals_; }

 private:
  struct Unread {
    std::int64_t number = 0;  // From 1.
    std::int64_t first_index = 0;
    v1::RecipientBatch batch;
  };
  using Keys = std::unordered_set<std::string_view>;
  struct Read {
    ReadRows rows;
    Keys keys;  // Of the rows that are taken; they lie in there.
  };
  struct Stored {
    ReadRows rows;
    ImportBatchResult result;
  };

  void RunReader();
  void RunStorer();
  bool NextMayBeStored() const;
  void CountStored();
  void Count(const ReadRows& rows, ImportBatchResult result);

  const Options options_;
  CampaignStore& store_;
  const PhoneNumberReader& numbers_;
  const CampaignSpec& spec_;
  const ImportId import_;
  const Clock& clock_;

  std::mutex mutex_;  // Guards the following; never held while reading or storing.
  std::condition_variable changed_;
  std::deque<Unread> unread_;
  // By batch number: what waits to be stored, the keys of what is being stored,
  // and what was stored before an earlier one.
  std::map<std::int64_t, Read> read_;
  std::map<std::int64_t, Keys> storing_;
  std::map<std::int64_t, Stored> stored_early_;
  std::int64_t added_ = 0;
  std::int64_t rows_added_ = 0;
  std::int64_t begun_ = 0;   // Being stored, or stored.
  std::int64_t stored_ = 0;  // All up to here.
  bool stopping_ = false;
  absl::Status status_;
  ImportTotals totals_;

  std::vector<std::jthread> threads_;
};

}  // namespace tocsin
