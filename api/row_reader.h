#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_set>
#include <variant>
#include <vector>

#include "core/campaign.h"
#include "core/message_text.h"
#include "core/phone_number.h"
#include "core/store.h"
#include "tocsin/v1/campaign_service.pb.h"

namespace tocsin {

// Why a row, or a number of a row that has others, was not taken.
namespace refusal {
inline constexpr char kMissingNumber[] = "MISSING_NUMBER";
inline constexpr char kInvalidNumber[] = "INVALID_NUMBER";
inline constexpr char kForbiddenNumber[] = "FORBIDDEN_NUMBER";
inline constexpr char kNotSynthetic[] = "NOT_SYNTHETIC";
inline constexpr char kSyntheticNumber[] = "SYNTHETIC_NUMBER";
inline constexpr char kTooManyNumbers[] = "TOO_MANY_NUMBERS";
inline constexpr char kMissingPersonKey[] = "MISSING_PERSON_KEY";
inline constexpr char kDuplicatePerson[] = "DUPLICATE_PERSON";
inline constexpr char kInvalidText[] = "INVALID_TEXT";
inline constexpr char kInvalidTimeZone[] = "INVALID_TIME_ZONE";
inline constexpr char kInvalidLanguage[] = "INVALID_LANGUAGE";
inline constexpr char kInvalidPriority[] = "INVALID_PRIORITY";
inline constexpr char kMissingVariable[] = "MISSING_VARIABLE";
inline constexpr char kMessageTooLong[] = "MESSAGE_TOO_LONG";
}  // namespace refusal

// A batch of submitted rows, read.
struct ReadRows {
  std::vector<ImportRow> taken;
  std::vector<RefusedRow> refused;
  // Numbers left out of taken rows, by their refusal.
  std::vector<std::string> ignored;
};

// Reads submitted rows of one campaign: numbers into E.164, each once per
// person; destinations that are never dialed, and rehearsal numbers in the
// wrong list, are refused here already. Where the campaign has texts, each person's
// is filled in. What it says never quotes a number or a variable's value.
//
// Holds a cache of time zones: one reader a thread. `numbers` and `spec` must
// outlive it.
class RowReader {
 public:
  RowReader(const CampaignSpec& spec, const PhoneNumberReader& numbers);

  // `first_index` is that of the batch's first row in the stream, from 1: the
  // line of rows that have none.
  ReadRows Read(const v1::RecipientBatch& batch, std::int64_t first_index);

 private:
  struct Refusal {
    std::string field;
    std::string reason;
    std::string detail;
  };
  using NumberVerdict = std::variant<PhoneNumber, Refusal>;

  void ReadRow(const v1::RecipientRow& row, std::int64_t line, ReadRows& read);
  std::optional<Refusal> CheckRow(const v1::RecipientRow& row);
  std::optional<Refusal> ReadNumbers(const v1::RecipientRow& row, ImportRow& taken,
                                     std::vector<std::string>& ignored) const;
  std::optional<Refusal> ReadMessage(const v1::RecipientRow& row, ImportRow& taken) const;
  NumberVerdict ReadNumber(const std::string& text, const std::string& field) const;
  bool IsTimeZone(const std::string& name);

  const CampaignSpec& spec_;
  const PhoneNumberReader& numbers_;
  const MessageBook book_;                 // Empty: a recording is played.
  std::unordered_set<std::string> zones_;  // Known to exist: as many as there are zones.
};

}  // namespace tocsin
