#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/store.h"
#include "db/transaction.h"

namespace tocsin::db {

// What a request that is asked again was answered the first time.
struct FirstAnswer {
  CampaignId campaign;
  ImportId import;
  std::optional<CampaignState> state;  // As of then.
  std::string state_reason;
};

// Unset if the request is new or not repeatable. kAlreadyExists if the id was
// used for something else.
absl::StatusOr<std::optional<FirstAnswer>> FindRequest(Session& session, const ApiRequest& request,
                                                       std::string_view method);

// Keeps the answer. kAborted if somebody asked the same at this moment: the
// repeat finds the answer.
absl::Status KeepRequest(Session& session, const ApiRequest& request, std::string_view method,
                         const FirstAnswer& answer, absl::Time now);

}  // namespace tocsin::db
