#include "cli/campaign_file.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <functional>
#include <iterator>
#include <set>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/time/time.h"
#include "base/status_macros.h"
#include "cli/recipient_file.h"
#include "cli/spelling.h"
#include "cli/utf8.h"
#include "fmt/ranges.h"

namespace tocsin {
namespace {

// A campaign is a page; whoever sends more has taken the wrong file.
constexpr std::size_t kFileBytesMax = 1 << 20;

// Collects what is wrong, so that all of it is told at once.
class Faults {
 public:
  explicit Faults(std::string path) : path_(std::move(path)) {}

  std::string PlaceOf(const YAML::Mark& mark) const {
    if (mark.is_null()) return path_;
    return fmt::format("{}:{}:{}", path_, mark.line + 1, mark.column + 1);
  }
  void Add(const YAML::Mark& mark, std::string_view text) {
    lines_ += fmt::format("{}{}: {}", lines_.empty() ? "" : "\n", PlaceOf(mark), text);
  }
  absl::Status status() const {
    return lines_.empty() ? absl::OkStatus() : absl::InvalidArgumentError(lines_);
  }

 private:
  std::string path_;
  std::string lines_;
};

// What a key's value is read with; returns what is wrong, empty if nothing.
using Setter = std::function<std::string(const std::string& text)>;

struct Key {
  std::string name;
  Setter set;                                   // Of a plain value ...
  std::function<void(const YAML::Node&)> read;  // ... or of a section.
};

Setter Text(std::string* target) {
  return [target](const std::string& text) {
    *target = text;
    return std::string(text.empty() ? "must not be empty" : "");
  };
}

Setter Integer(const std::function<void(int)>& set) {
  return [set](const std::string& text) {
    int value = 0;
    if (!absl::SimpleAtoi(text, &value)) return std::string("must be a whole number");
    set(value);
    return std::string();
  };
}

Setter Number(const std::function<void(double)>& set) {
  return [set](const std::string& text) {
    double value = 0;
    if (!absl::SimpleAtod(text, &value) || !std::isfinite(value)) {
      return std::string("must be a number");
    }
    set(value);
    return std::string();
  };
}

Setter YesNo(const std::function<void(bool)>& set) {
  return [set](const std::string& text) {
    if (text != "true" && text != "false") return std::string("must be true or false");
    set(text == "true");
    return std::string();
  };
}

Setter Length(google::protobuf::Duration* target) {
  return [target](const std::string& text) {
    absl::Duration value;
    const bool unit = text == "0" || (!text.empty() &&
                                      absl::ascii_isalpha(static_cast<unsigned char>(text.back())));
    if (!unit || !absl::ParseDuration(text, &value) || value < absl::ZeroDuration() ||
        value > absl::Hours(24 * 366)) {
      return std::string("must be a duration with its unit, such as 30s, 3m, 1h or 1h30m");
    }
    const std::int64_t nanoseconds = absl::ToInt64Nanoseconds(value);
    target->set_seconds(nanoseconds / 1'000'000'000);
    target->set_nanos(static_cast<std::int32_t>(nanoseconds % 1'000'000'000));
    return std::string();
  };
}

class Reader {
 public:
  Reader(std::string path, CampaignFile& file)
      : path_(std::move(path)), faults_(path_), file_(file), campaign_(file.campaign) {}

  absl::Status Read(std::string_view text) {
    try {
      const YAML::Node root = YAML::Load(std::string(text));
      if (!root.IsMap()) {
        faults_.Add(root.Mark(), "a campaign file is a list of keys and values (name: ...)");
      } else {
        ReadSection(root, "", TopKeys(), {"name", "purpose", "message"});
      }
    } catch (const YAML::Exception& error) {
      faults_.Add(error.mark, fmt::format("broken YAML: {}", error.msg));
    }
    return faults_.status();
  }

 private:
  // Message fields are made only when their key is there: unset means the
  // service's default.
  std::vector<Key> TopKeys() {
    return {
        {"name", Text(campaign_.mutable_display_name()), {}},
        {"purpose", Text(campaign_.mutable_purpose()), {}},
        {"trunk",
         [this](const std::string& text) {
           campaign_.set_trunk("trunks/" + text);
           return std::string();
         },
         {}},
        {"priority", Integer([this](int value) { campaign_.set_priority(value); }), {}},
        {"message",
         {},
         [this](const YAML::Node& node) {
           ReadSection(node, "message.", MessageKeys());
           FinishMessage(node);
         }},
        {"flow", {}, [this](const YAML::Node& node) { ReadSection(node, "flow.", FlowKeys()); }},
        {"acknowledgement",
         {},
         [this](const YAML::Node& node) {
           ReadSection(node, "acknowledgement.", AcknowledgementKeys());
         }},
        {"retry", {}, [this](const YAML::Node& node) { ReadSection(node, "retry.", RetryKeys()); }},
        {"pacing",
         {},
         [this](const YAML::Node& node) { ReadSection(node, "pacing.", PacingKeys()); }},
        {"window",
         {},
         [this](const YAML::Node& node) { ReadSection(node, "window.", WindowKeys()); }},
        {"expires_after", Lazily([this] { return campaign_.mutable_expires_after(); }), {}},
        {"recipients",
         {},
         [this](const YAML::Node& node) { ReadSection(node, "recipients.", RecipientKeys()); }},
    };
  }

  std::vector<Key> MessageKeys() {
    v1::Message* message = campaign_.mutable_message();
    return {
        {"audio", [this](const std::string& text) { return SetAudio(text); }, {}},
        {"text", {}, [this](const YAML::Node& node) { ReadTexts(node); }},
        {"language", Text(&language_), {}},
        {"identity_ends", Lazily([message] { return message->mutable_identity_ends(); }), {}},
    };
  }

  std::vector<Key> FlowKeys() {
    v1::CallFlow* flow = campaign_.mutable_flow();
    return {
        {"keys", {}, [this](const YAML::Node& node) { ReadDialpad(node); }},
        {"operator_number", Text(flow->mutable_operator_number()), {}},
        {"plays", Integer([flow](int value) { flow->set_plays(value); }), {}},
        {"pause", Lazily([flow] { return flow->mutable_pause(); }), {}},
        {"wait_for_key", Lazily([flow] { return flow->mutable_wait_for_key(); }), {}},
        {"replays_max", Integer([flow](int value) { flow->set_replays_max(value); }), {}},
        {"ring_limit", Lazily([flow] { return flow->mutable_ring_limit(); }), {}},
        {"call_limit", Lazily([flow] { return flow->mutable_call_limit(); }), {}},
    };
  }

  std::vector<Key> AcknowledgementKeys() {
    v1::AcknowledgementPolicy* policy = campaign_.mutable_acknowledgement();
    return {
        {"required", YesNo([policy](bool value) { policy->set_required(value); }), {}},
        {"scope",
         [policy](const std::string& text) {
           v1::AcknowledgementScope scope = v1::ACKNOWLEDGEMENT_SCOPE_UNSPECIFIED;
           if (text == "number") scope = v1::ACKNOWLEDGEMENT_SCOPE_NUMBER;
           if (text == "person") scope = v1::ACKNOWLEDGEMENT_SCOPE_PERSON;
           policy->set_scope(scope);
           return std::string(
               scope == v1::ACKNOWLEDGEMENT_SCOPE_UNSPECIFIED ? "must be number or person" : "");
         },
         {}},
        {"retry_after", Lazily([policy] { return policy->mutable_retry_after(); }), {}},
        {"unconfirmed_answers_max",
         Integer([policy](int value) { policy->set_unconfirmed_answers_max(value); }),
         {}},
    };
  }

  std::vector<Key> RetryKeys() {
    v1::RetryPolicy* retry = campaign_.mutable_retry();
    return {
        {"attempts_max", Integer([retry](int value) { retry->set_attempts_max(value); }), {}},
        {"backoff", Number([retry](double value) { retry->set_backoff(value); }), {}},
        {"busy", Lazily([retry] { return retry->mutable_busy(); }), {}},
        {"no_answer", Lazily([retry] { return retry->mutable_no_answer(); }), {}},
        {"unreachable", Lazily([retry] { return retry->mutable_unreachable(); }), {}},
        {"declined", Lazily([retry] { return retry->mutable_declined(); }), {}},
        {"congestion", Lazily([retry] { return retry->mutable_congestion(); }), {}},
        {"provider_error", Lazily([retry] { return retry->mutable_provider_error(); }), {}},
        {"lost", Lazily([retry] { return retry->mutable_lost(); }), {}},
    };
  }

  std::vector<Key> PacingKeys() {
    v1::Pacing* pacing = campaign_.mutable_pacing();
    return {
        {"calls_per_second", Number([pacing](double v) { pacing->set_calls_per_second(v); }), {}},
        {"concurrent_max", Integer([pacing](int v) { pacing->set_concurrent_max(v); }), {}},
    };
  }

  std::vector<Key> WindowKeys() {
    v1::CallingWindow* window = campaign_.mutable_window();
    return {
        {"open", TimeOfDay(window->mutable_open()), {}},
        {"close", TimeOfDay(window->mutable_close()), {}},
        {"time_zone", Text(window->mutable_time_zone()), {}},
    };
  }

  std::vector<Key> RecipientKeys() {
    v1::RecipientDefaults* defaults = campaign_.mutable_recipients();
    return {
        {"default_region", Text(defaults->mutable_default_region()), {}},
        {"synthetic", YesNo([defaults](bool value) { defaults->set_synthetic(value); }), {}},
    };
  }

  static Setter Lazily(std::function<google::protobuf::Duration*()> target) {
    return [target = std::move(target)](const std::string& text) { return Length(target())(text); };
  }

  // Unquoted, YAML 1.1 readers take 08:30 for a number in base sixty; ours keeps
  // the text, so both forms are right.
  static Setter TimeOfDay(std::string* target) {
    return [target](const std::string& text) {
      *target = text;
      const bool shaped = text.size() == 5 && text[2] == ':' &&
                          text.find_first_not_of("0123456789:") == std::string::npos;
      return std::string(shaped ? "" : "must be a time of day such as \"08:30\"");
    };
  }

  // One text, or one for each language.
  void ReadTexts(const YAML::Node& node) {
    if (node.IsScalar() && !node.Scalar().empty()) {
      only_text_ = node.Scalar();
    } else if (node.IsMap()) {
      auto& templates = *campaign_.mutable_message()->mutable_texts()->mutable_templates();
      for (const auto& entry : node) {
        const std::string language = entry.first.IsScalar() ? entry.first.Scalar() : "";
        if (!entry.second.IsScalar() || entry.second.Scalar().empty()) {
          faults_.Add(entry.first.Mark(), "'message.text': a language must have a text");
        } else if (templates.contains(language)) {
          faults_.Add(entry.first.Mark(),
                      fmt::format("'message.text': {} is there twice", Printable(language)));
        } else {
          templates[language] = entry.second.Scalar();
        }
      }
    } else {
      faults_.Add(node.Mark(),
                  "'message.text' must be a text, or one for each language: "
                  "{en: ..., es: ...}");
    }
  }

  // What only all keys of the section together tell.
  void FinishMessage(const YAML::Node& node) {
    if (!node.IsMap()) return;
    const bool has_text = file_.places.contains("message.text");
    if (has_text == file_.places.contains("message.audio")) {
      faults_.Add(node.Mark(),
                  has_text ? "'message' has both 'audio' and 'text'; one of them is the message"
                           : "key 'message.audio' is missing, or 'message.text'");
    } else if (!has_text && !language_.empty()) {
      faults_.Add(node.Mark(), "'message.language' is for a 'message.text'");
    }
    if (!has_text) return;
    v1::MessageTexts* const texts = campaign_.mutable_message()->mutable_texts();
    if (!only_text_.empty()) {
      if (language_.empty()) language_ = "en";
      (*texts->mutable_templates())[language_] = only_text_;
    }
    texts->set_language(language_);
  }

  std::string SetAudio(const std::string& text) {
    if (text.empty()) return "must not be empty";
    if (text.rfind("http://", 0) == 0 || text.rfind("https://", 0) == 0) {
      campaign_.mutable_message()->set_audio_uri(text);
    } else {
      file_.audio_path = (std::filesystem::path(path_).parent_path() / text).string();
    }
    return "";
  }

  void ReadSection(const YAML::Node& node, const std::string& prefix, const std::vector<Key>& keys,
                   const std::vector<std::string>& required = {}) {
    if (!node.IsMap()) {
      return faults_.Add(node.Mark(), fmt::format("'{}' must be a section of keys and values",
                                                  prefix.substr(0, prefix.size() - 1)));
    }
    std::set<std::string> seen;
    for (const auto& entry : node) {
      const std::string name = entry.first.IsScalar() ? entry.first.Scalar() : "";
      if (!seen.insert(name).second) {
        faults_.Add(entry.first.Mark(), fmt::format("key '{}' is there twice", Printable(name)));
      } else {
        ReadKey(entry.first, entry.second, name, prefix, keys);
      }
    }
    for (const std::string& name : required) {
      if (!seen.contains(name)) {
        faults_.Add(node.Mark(), fmt::format("key '{}{}' is missing", prefix, name));
      }
    }
  }

  void ReadKey(const YAML::Node& at, const YAML::Node& value, const std::string& name,
               const std::string& prefix, const std::vector<Key>& keys) {
    const auto key = std::find_if(keys.begin(), keys.end(),
                                  [&](const Key& known) { return known.name == name; });
    if (key == keys.end()) return AddUnknown(at, name, prefix, keys);
    file_.places[prefix + name] = faults_.PlaceOf(value.Mark());
    if (key->read) return key->read(value);
    if (!value.IsScalar()) {
      return faults_.Add(value.IsNull() ? at.Mark() : value.Mark(),
                         fmt::format("'{}{}' must have one plain value", prefix, name));
    }
    const std::string wrong = key->set(value.Scalar());
    if (!wrong.empty()) faults_.Add(value.Mark(), fmt::format("'{}{}' {}", prefix, name, wrong));
  }

  void AddUnknown(const YAML::Node& at, const std::string& name, const std::string& prefix,
                  const std::vector<Key>& keys) {
    std::vector<std::string> names;
    names.reserve(keys.size());
    for (const Key& key : keys) names.push_back(key.name);
    const std::string nearest = NearestName(name, names);
    const std::string remedy = nearest.empty()
                                   ? fmt::format("known here are {}", fmt::join(names, ", "))
                                   : fmt::format("did you mean '{}'?", nearest);
    faults_.Add(at.Mark(), fmt::format("unknown key '{}{}'; {}", prefix,
                                       CutToWidth(Printable(name), 60), remedy));
  }

  void ReadDialpad(const YAML::Node& node) {
    static const std::vector<std::string> meanings = {"acknowledge", "refuse", "opt_out",
                                                      "operator", "repeat"};
    if (!node.IsMap()) {
      return faults_.Add(node.Mark(), "'flow.keys' must be like {1: acknowledge, 2: refuse}");
    }
    auto& keys = *campaign_.mutable_flow()->mutable_keys();
    for (const auto& entry : node) {
      const std::string key = entry.first.IsScalar() ? entry.first.Scalar() : "";
      const std::string meaning = entry.second.IsScalar() ? entry.second.Scalar() : "";
      const bool on_dialpad =
          key.size() == 1 && std::string_view("0123456789*#").find(key) != std::string_view::npos;
      const auto at = std::find(meanings.begin(), meanings.end(), meaning);
      if (!on_dialpad) {
        faults_.Add(entry.first.Mark(), "'flow.keys': a key is one of 0 to 9, \"*\" and \"#\"");
      } else if (keys.contains(key)) {
        faults_.Add(entry.first.Mark(), fmt::format("'flow.keys': {} is there twice", key));
      } else if (at == meanings.end()) {
        faults_.Add(entry.second.Mark(), fmt::format("'flow.keys': {} must mean one of {}", key,
                                                     fmt::join(meanings, ", ")));
      } else {
        keys[key] = static_cast<v1::KeyMeaning>(at - meanings.begin() + 1);
      }
    }
  }

  std::string path_;
  Faults faults_;
  CampaignFile& file_;
  v1::Campaign& campaign_;
  std::string only_text_;  // In `language_`.
  std::string language_;
};

}  // namespace

absl::StatusOr<CampaignFile> ParseCampaignFile(std::string_view text, const std::string& path) {
  if (const auto bad = FindInvalidUtf8(text)) {
    const auto line =
        std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(*bad), '\n') + 1;
    return InvalidArgument("{}:{}: not UTF-8; save the file as UTF-8", path, line);
  }
  CampaignFile file;
  TOCSIN_RETURN_IF_ERROR(Reader(path, file).Read(text));
  return file;
}

absl::StatusOr<CampaignFile> ReadCampaignFile(const std::string& path) {
  TOCSIN_ASSIGN_OR_RETURN(std::ifstream in, OpenFile(path));
  std::string text(kFileBytesMax + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (text.size() > kFileBytesMax) {
    return InvalidArgument("{}: more than 1 MiB; this is no campaign file", path);
  }
  return ParseCampaignFile(text, path);
}

}  // namespace tocsin
