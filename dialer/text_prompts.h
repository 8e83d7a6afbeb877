#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "core/message_text.h"
#include "core/store.h"
#include "wire/callback_url.h"

namespace tocsin::dialer {

// A WAV file, shared with whoever is still sending it.
using SharedWav = std::shared_ptr<const std::string>;

// Says a text (speech::Speaker). Thread-safe; may block.
using SpeakText = std::function<absl::StatusOr<SharedWav>(const SpokenMessage& message)>;

// Messages that are spoken on our side. Nothing is rendered before a provider asks
// for it, and any node can answer: what is asked for stands in the name, the words in
// the database, and the name is signed, so that nobody makes one up.
//
//   t.<campaign>.<text>.<key id>.<signature>.wav
//
// Thread-safe.
class TextPrompts {
 public:
  // The first key signs, all of them verify; as in CallbackSigner, which has checked
  // them. The store must live longer.
  TextPrompts(std::vector<wire::CallbackKey> keys, DialStore& store, SpeakText speak)
      : keys_(std::move(keys)), store_(store), speak_(std::move(speak)) {}

  std::string NameOf(CampaignId campaign, TextId text) const;

  // Whether a name is shaped like one of these.
  static bool IsOne(std::string_view name);

  // kNotFound: not signed by us, or no such text (any more). kUnavailable: later.
  absl::StatusOr<SharedWav> Find(std::string_view name) const;

 private:
  struct Named {
    CampaignId campaign;
    TextId text;
  };

  std::optional<Named> Verify(std::string_view name) const;

  const std::vector<wire::CallbackKey> keys_;
  DialStore& store_;
  const SpeakText speak_;
};

}  // namespace tocsin::dialer
