#include "cli/campaign_actions.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <utility>

#include "base/status_macros.h"
#include "base/uuid.h"
#include "cli/json_output.h"
#include "cli/progress.h"
#include "cli/recipient_file.h"
#include "cli/report.h"
#include "cli/table.h"
#include "cli/utf8.h"

namespace tocsin {
namespace {

constexpr int kDone = 0;
constexpr int kFailed = 1;
constexpr int kUsage = 2;
constexpr int kNotFound = 3;

// The service takes 8 MiB; one byte more lets it say so.
constexpr std::size_t kWavBytesMax = (8 << 20) + 1;

// A breaker or DialGuard stopped it: nothing happens any more until somebody
// has looked, so there is nothing to watch. An operator's pause is watched on.
bool HasPausedItself(const v1::CampaignProgress& progress) {
  return progress.state() == v1::CAMPAIGN_STATE_PAUSED &&
         (progress.state_reason().starts_with("breaker:") ||
          progress.state_reason().starts_with("guard:"));
}

int ExitCodeOf(const absl::Status& status) {
  if (status.ok()) return kDone;
  if (absl::IsNotFound(status)) return kNotFound;
  return absl::IsInvalidArgument(status) ? kUsage : kFailed;
}

void Print(std::FILE* to, const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), to);
  std::fflush(to);
}

std::string FullName(const std::string& name) {
  return name.find('/') == std::string::npos ? "campaigns/" + name : name;
}

// What the service says of a field, at the place where the user wrote it.
absl::Status AtPlaces(const absl::Status& status, const CampaignFile& file,
                      const std::string& path) {
  const std::vector<RequestFault> faults = FaultsOf(status);
  if (faults.empty()) return status;
  std::string message;
  for (const RequestFault& fault : faults) {
    constexpr std::string_view kPrefix = "campaign.";
    std::string field = fault.field;
    if (field.rfind(kPrefix, 0) == 0) field = field.substr(kPrefix.size());
    if (field == "display_name") field = "name";
    if (field == "wav") field = "message.audio";
    if (field == "message.texts") field = "message.text";
    if (field == "message.texts.language") field = "message.language";
    const auto place = file.places.find(field);
    message +=
        fmt::format("{}{}: {}: {}", message.empty() ? "" : "\n",
                    place == file.places.end() ? path : place->second, field, fault.description);
  }
  return absl::InvalidArgumentError(message);
}

}  // namespace

Terminal DetectTerminal(OutputFormat format) {
  Terminal terminal;
  terminal.format = format;
  terminal.out_is_live = isatty(STDOUT_FILENO) != 0;
  terminal.err_is_live = isatty(STDERR_FILENO) != 0;
  winsize size{};
  // What goes into a file is not cut.
  if (!terminal.err_is_live) terminal.width = 200;
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
    terminal.width = size.ws_col;
  }
  return terminal;
}

CampaignActions::CampaignActions(ServiceChannel service, const Terminal& terminal,
                                 const Clock& clock)
    : terminal_(terminal),
      clock_(clock),
      client_(std::move(service), clock, [this](const std::string& text) {
        if (bar_open_) Print(stderr, "\n");
        bar_open_ = false;
        Print(stderr, Printable(text) + "\n");
      }) {}

int CampaignActions::Fail(const absl::Status& status) {
  if (bar_open_) Print(stderr, "\n");
  bar_open_ = false;
  Print(stderr, fmt::format("tocsin campaign: {}\n", Message(status)));
  return ExitCodeOf(status);
}

void CampaignActions::ShowProgress(const std::string& line, bool last) {
  // Clears to the end of the line: the new one may be shorter.
  Print(stderr, "\r" + line + "\x1B[K" + (last ? "\n" : ""));
  bar_open_ = !last;
}

absl::Status CampaignActions::ReadAudio(CampaignFile& file) {
  if (file.audio_path.empty()) return absl::OkStatus();
  absl::StatusOr<std::ifstream> in = OpenFile(file.audio_path);
  if (!in.ok()) {
    return MakeStatus(in.status().code(), "{}: {}", file.places["message.audio"],
                      Message(in.status()));
  }
  std::string wav(kWavBytesMax, '\0');
  in->read(wav.data(), static_cast<std::streamsize>(wav.size()));
  wav.resize(static_cast<std::size_t>(in->gcount()));
  TOCSIN_ASSIGN_OR_RETURN(const v1::Prompt prompt, client_.UploadPrompt(std::move(wav)));
  file.campaign.mutable_message()->set_prompt(prompt.name());
  return absl::OkStatus();
}

absl::StatusOr<v1::ImportRecipientsResponse> CampaignActions::SendList(
    const std::string& name, const CheckedList& list, const std::string& request_id) {
  const auto& [recipients, variables, rows] = list;
  SteadyTime began = clock_.Steady();
  SteadyTime shown = began;
  std::int64_t sent_before = 0;
  auto imported = client_.Import(name, request_id, recipients, variables, [&](std::int64_t sent) {
    const SteadyTime now = clock_.Steady();
    // From the beginning again: what is stored goes fast, and the wait is over.
    if (sent < sent_before) began = now;
    sent_before = sent;
    const auto pause =
        terminal_.err_is_live ? std::chrono::milliseconds(100) : std::chrono::milliseconds(1000);
    if (now - shown < pause) return;
    shown = now;
    const std::string bar = ImportBar(sent, rows, absl::FromChrono(now - began), terminal_.width);
    if (terminal_.err_is_live) return ShowProgress(bar, false);
    Print(stderr, bar + "\n");
  });
  if (!imported.ok()) {
    // The user must be able to go on later, with what is stored.
    if (absl::IsUnavailable(imported.status()) || absl::IsCancelled(imported.status()) ||
        absl::IsDeadlineExceeded(imported.status())) {
      return MakeStatus(imported.status().code(),
                        "{}\nto go on when the service is back:\n  tocsin campaign import {} "
                        "--recipients {} --request-id {}",
                        Message(imported.status()), name, recipients, request_id);
    }
    return imported;
  }
  if (terminal_.err_is_live) {
    ShowProgress(ImportBar(rows, rows, absl::FromChrono(clock_.Steady() - began), terminal_.width),
                 true);
  }
  return imported;
}

int CampaignActions::Create(const CreateOptions& options) {
  // Everything that can be found wrong here is, before anything is created.
  absl::StatusOr<CampaignFile> file = ReadCampaignFile(options.campaign_file);
  std::vector<std::string> variables;
  if (file.ok()) {
    auto columns = VariableColumns(file->campaign);
    if (!columns.ok()) {
      return Fail(MakeStatus(columns.status().code(), "{}: message.text: {}",
                             file->places["message.text"], Message(columns.status())));
    }
    variables = *std::move(columns);
  }
  absl::StatusOr<std::int64_t> rows = 0;
  if (!options.recipients.empty()) rows = CheckRecipientFile(options.recipients, variables);
  if (!file.ok() && !rows.ok()) Fail(rows.status());
  if (!file.ok()) return Fail(file.status());
  if (!rows.ok()) return Fail(rows.status());

  if (const absl::Status status = ReadAudio(*file); !status.ok()) {
    return Fail(AtPlaces(status, *file, options.campaign_file));
  }
  absl::StatusOr<v1::Campaign> campaign = client_.Create(file->campaign);
  if (!campaign.ok()) return Fail(AtPlaces(campaign.status(), *file, options.campaign_file));
  const bool table = terminal_.format == OutputFormat::kTable;
  if (table) {
    Print(stdout, fmt::format("created {} on {}: {}\n", campaign->name(), campaign->trunk(),
                              Printable(campaign->display_name())));
  }
  v1::ImportRecipientsResponse imported;
  if (!options.recipients.empty()) {
    auto sent = SendList(campaign->name(), {options.recipients, variables, *rows}, RandomUuid());
    if (!sent.ok()) return Fail(sent.status());
    imported = *std::move(sent);
    if (table) Print(stdout, DrawImport(imported, options.recipients));
  }
  if (options.start) {
    campaign = client_.Start(campaign->name());
    if (!campaign.ok()) return Fail(campaign.status());
    if (table) Print(stdout, fmt::format("started {}\n", campaign->name()));
  }
  if (!table) Print(stdout, ToJson(*campaign, imported));
  return options.watch ? Watch(campaign->name()) : kDone;
}

int CampaignActions::Import(const std::string& name, const std::string& recipients,
                            const std::string& request_id) {
  const absl::StatusOr<v1::Campaign> campaign = client_.Get(FullName(name));
  if (!campaign.ok()) return Fail(campaign.status());
  const auto variables = VariableColumns(*campaign);
  if (!variables.ok()) return Fail(variables.status());
  const absl::StatusOr<std::int64_t> rows = CheckRecipientFile(recipients, *variables);
  if (!rows.ok()) return Fail(rows.status());
  const auto imported = SendList(campaign->name(), {recipients, *variables, *rows},
                                 request_id.empty() ? RandomUuid() : request_id);
  if (!imported.ok()) return Fail(imported.status());
  Print(stdout, terminal_.format == OutputFormat::kJson ? ToJson(*imported)
                                                        : DrawImport(*imported, recipients));
  return kDone;
}

int CampaignActions::List(std::int64_t limit) {
  const absl::StatusOr<std::vector<v1::Campaign>> campaigns = client_.List(limit);
  if (!campaigns.ok()) return Fail(campaigns.status());
  if (terminal_.format == OutputFormat::kJson) {
    Print(stdout, ToJson(*campaigns));
    return kDone;
  }
  std::vector<std::vector<std::string>> rows;
  for (const v1::Campaign& campaign : *campaigns) {
    rows.push_back(
        {campaign.name(), ShortName(campaign.state()), campaign.purpose(), campaign.trunk(),
         absl::FormatTime("%Y-%m-%d %H:%M", TimeOf(campaign.create_time()), absl::LocalTimeZone()),
         campaign.display_name()});
  }
  Print(stdout, DrawTable({"NAME", "STATE", "PURPOSE", "TRUNK", "CREATED", "DISPLAY NAME"}, rows));
  return kDone;
}

int CampaignActions::Get(const std::string& name) {
  const absl::StatusOr<v1::Campaign> campaign = client_.Get(FullName(name));
  if (!campaign.ok()) return Fail(campaign.status());
  const absl::StatusOr<v1::CampaignProgress> progress = client_.GetProgress(campaign->name());
  if (!progress.ok()) return Fail(progress.status());
  Print(stdout, terminal_.format == OutputFormat::kJson ? ToJson(*campaign, *progress)
                                                        : DrawCampaign(*campaign, *progress));
  return kDone;
}

int CampaignActions::AfterCommand(const absl::StatusOr<v1::Campaign>& campaign, bool watch) {
  if (!campaign.ok()) return Fail(campaign.status());
  Print(stdout, terminal_.format == OutputFormat::kJson
                    ? ToJson(*campaign)
                    : fmt::format("{} is {}\n", campaign->name(), ShortName(campaign->state())));
  return watch ? Watch(campaign->name()) : kDone;
}

int CampaignActions::Start(const std::string& name, bool watch) {
  return AfterCommand(client_.Start(FullName(name)), watch);
}

int CampaignActions::Pause(const std::string& name) {
  return AfterCommand(client_.Pause(FullName(name)), false);
}

int CampaignActions::Resume(const std::string& name, bool watch) {
  return AfterCommand(client_.Resume(FullName(name)), watch);
}

int CampaignActions::Cancel(const std::string& name, v1::CancelMode mode) {
  return AfterCommand(client_.Cancel(FullName(name), mode), false);
}

int CampaignActions::Watch(const std::string& name) {
  const bool json = terminal_.format == OutputFormat::kJson;
  const bool live = !json && terminal_.out_is_live && terminal_.err_is_live;
  CampaignSpeed speed;
  v1::CampaignProgress last;
  absl::Time printed = absl::InfinitePast();
  const absl::Status status =
      client_.Watch(FullName(name), [&](const v1::CampaignProgress& progress) {
        speed.Add(progress);
        const absl::Time at = TimeOf(progress.as_of());
        // A line a second while something happens, and a sign of life now and then.
        const bool still = progress.sends() == last.sends() && progress.done() == last.done() &&
                           progress.live() == last.live();
        const bool due = at - printed >= (still ? absl::Seconds(10) : absl::Milliseconds(990));
        const bool news = progress.state() != last.state();
        if (live) {
          ShowProgress(ProgressBar(progress, speed, terminal_.width), false);
        } else if (due || news) {
          Print(stdout, json ? ToJsonLine(progress) : ProgressLine(progress, speed) + "\n");
          printed = at;
        }
        last = progress;
        return !HasPausedItself(progress);
      });
  if (live && bar_open_) Print(stderr, "\n");
  bar_open_ = false;
  if (HasPausedItself(last)) {
    return Fail(
        FailedPrecondition("{} has paused itself: {}. Then: tocsin campaign resume {} --watch",
                           name, last.state_reason(), name));
  }
  if (!status.ok()) return Fail(status);
  if (!json) Print(stdout, DrawEnd(last));
  return kDone;
}

int CampaignActions::Report(const std::string& name) {
  const absl::StatusOr<v1::Report> report = client_.GetReport(FullName(name));
  if (!report.ok()) return Fail(report.status());
  Print(stdout, terminal_.format == OutputFormat::kJson ? ToJson(*report) : DrawReport(*report));
  return kDone;
}

int CampaignActions::Refused(const std::string& name, std::int64_t limit) {
  const absl::StatusOr<std::vector<v1::RefusedRow>> refused =
      client_.ListRefused(FullName(name), limit);
  if (!refused.ok()) return Fail(refused.status());
  if (terminal_.format == OutputFormat::kJson) {
    Print(stdout, ToJson(*refused));
    return kDone;
  }
  std::vector<std::vector<std::string>> rows;
  for (const v1::RefusedRow& row : *refused) {
    rows.push_back(
        {std::to_string(row.line()), row.person_key(), row.field(), row.reason(), row.detail()});
  }
  Print(stdout, DrawTable({"LINE", "PERSON KEY", "FIELD", "REASON", "DETAIL"}, rows));
  return kDone;
}

int CampaignActions::Audit(const std::string& name) {
  const absl::StatusOr<v1::RunAuditResponse> audit =
      client_.RunAudit(name.empty() ? "campaigns/-" : FullName(name));
  if (!audit.ok()) return Fail(audit.status());
  if (terminal_.format == OutputFormat::kJson) {
    Print(stdout, ToJson(*audit));
  } else if (audit->findings().empty()) {
    Print(stdout, "the books are right: no findings\n");
  } else {
    for (const std::string& finding : audit->findings()) Print(stdout, Printable(finding) + "\n");
  }
  return audit->findings().empty() ? kDone : kFailed;
}

}  // namespace tocsin
