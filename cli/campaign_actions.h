#pragma once
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "base/clock.h"
#include "cli/campaign_client.h"
#include "cli/campaign_file.h"

namespace tocsin {

enum class OutputFormat { kTable, kJson };

// Where and how a command speaks.
struct Terminal {
  OutputFormat format = OutputFormat::kTable;
  bool out_is_live = false;  // Standard output is a terminal: bars may be redrawn.
  bool err_is_live = false;
  std::size_t width = 80;
};
// Of this process.
Terminal DetectTerminal(OutputFormat format);

struct CreateOptions {
  std::string campaign_file;
  std::string recipients;  // Empty: none yet.
  bool start = false;
  bool watch = false;
};

// The commands behind `tocsin campaign`. Each prints its result on standard
// output, what goes on meanwhile on standard error, and returns the exit code
// (campaign_commands.h). `name` is "campaigns/7" or "7".
class CampaignActions {
 public:
  CampaignActions(ServiceChannel service, const Terminal& terminal, const Clock& clock);

  int Create(const CreateOptions& options);
  // `request_id`: of an import that was interrupted, to go on with it; else empty.
  int Import(const std::string& name, const std::string& recipients, const std::string& request_id);
  int List(std::int64_t limit);
  int Get(const std::string& name);
  int Start(const std::string& name, bool watch);
  int Pause(const std::string& name);
  int Resume(const std::string& name, bool watch);
  int Cancel(const std::string& name, v1::CancelMode mode);
  int Watch(const std::string& name);
  int Report(const std::string& name);
  int Refused(const std::string& name, std::int64_t limit);
  // Empty: all campaigns.
  int Audit(const std::string& name);

 private:
  absl::Status ReadAudio(CampaignFile& file);
  // A list that has been checked.
  struct CheckedList {
    std::string path;
    std::vector<std::string> variables;
    std::int64_t rows = 0;
  };
  absl::StatusOr<v1::ImportRecipientsResponse> SendList(const std::string& name,
                                                        const CheckedList& list,
                                                        const std::string& request_id);
  int AfterCommand(const absl::StatusOr<v1::Campaign>& campaign, bool watch);
  void ShowProgress(const std::string& line, bool last);
  int Fail(const absl::Status& status);

  const Terminal terminal_;
  const Clock& clock_;
  CampaignClient client_;
  bool bar_open_ = false;  // A bar stands on the terminal's last line.
};

}  // namespace tocsin
