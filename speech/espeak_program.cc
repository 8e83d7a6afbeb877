#include "speech/espeak_program.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <optional>
#include <sstream>
#include <utility>
#include <vector>

#include "base/status_macros.h"

extern char** environ;

namespace tocsin::speech {
namespace {

constexpr std::size_t kOutputMax = 64 << 20;

// A descriptor that is closed with its owner.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { Close(); }

  int get() const { return fd_; }
  void Close() {
    if (fd_ >= 0) close(std::exchange(fd_, -1));
  }

 private:
  int fd_;
};

// A program that runs, with sockets for its input and output.
struct Running {
  pid_t pid = 0;
  Descriptor input;
  Descriptor output;
};

absl::StatusOr<Running> Run(const std::string& program, std::vector<std::string> arguments) {
  int in[2];
  int out[2];
  // Sockets, because writing to one whose other end is gone need not be a signal.
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, in) != 0) {
    return Unavailable("no socket for {}: {}", program, std::strerror(errno));
  }
  const Descriptor in_theirs(in[1]);
  Descriptor in_ours(in[0]);
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, out) != 0) {
    return Unavailable("no socket for {}: {}", program, std::strerror(errno));
  }
  const Descriptor out_theirs(out[1]);
  Descriptor out_ours(out[0]);

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in_theirs.get(), STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, out_theirs.get(), STDOUT_FILENO);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
  arguments.insert(arguments.begin(), program);
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  pid_t pid = 0;
  const int failed = posix_spawnp(&pid, program.c_str(), &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) return Unavailable("{} cannot be run: {}", program, std::strerror(failed));
  return Running{pid, std::move(in_ours), std::move(out_ours)};
}

// All that it says until it closes its output; nullopt if it does not in time.
std::optional<std::string> ReadAll(int fd, std::chrono::steady_clock::time_point deadline) {
  std::string said;
  std::vector<char> buffer(1 << 16);
  while (said.size() < kOutputMax) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    pollfd wanted{.fd = fd, .events = POLLIN, .revents = 0};
    if (left.count() <= 0) return std::nullopt;
    if (poll(&wanted, 1, static_cast<int>(left.count())) < 0 && errno != EINTR) return std::nullopt;
    if (wanted.revents == 0) continue;
    const ssize_t count = read(fd, buffer.data(), buffer.size());
    if (count == 0) return said;
    if (count < 0 && errno != EINTR) return std::nullopt;
    if (count > 0) said.append(buffer.data(), static_cast<std::size_t>(count));
  }
  return std::nullopt;
}

// What a program says to an input. The input goes through a socket: what stands in a
// command line can be read by everybody on the machine.
absl::StatusOr<std::string> Ask(const std::string& program, std::vector<std::string> arguments,
                                const std::string& input, absl::Duration limit) {
  const auto deadline = std::chrono::steady_clock::now() + absl::ToChronoNanoseconds(limit);
  TOCSIN_ASSIGN_OR_RETURN(Running running, Run(program, std::move(arguments)));
  // Shorter than a socket's buffer: it does not block.
  const ssize_t sent = send(running.input.get(), input.data(), input.size(), MSG_NOSIGNAL);
  running.input.Close();
  const auto said = ReadAll(running.output.get(), deadline);
  if (!said) kill(running.pid, SIGKILL);
  int status = 0;
  while (waitpid(running.pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (!said) return Unavailable("{} did not end in time", program);
  if (sent != static_cast<ssize_t>(input.size()) || !WIFEXITED(status) ||
      WEXITSTATUS(status) != 0) {
    return Unavailable("{} failed", program);
  }
  return *said;
}

std::uint32_t ReadInteger(std::string_view bytes, std::size_t at, std::size_t count) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < count; ++i) {
    value |= static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[at + i])) << (8 * i);
  }
  return value;
}

}  // namespace

absl::StatusOr<std::set<std::string>> EspeakVoices(const std::string& program,
                                                   absl::Duration limit) {
  TOCSIN_ASSIGN_OR_RETURN(const std::string said, Ask(program, {"--voices"}, "", limit));
  std::set<std::string> voices;
  std::istringstream lines(said);
  std::string line;
  std::getline(lines, line);  // The head of the table.
  while (std::getline(lines, line)) {
    std::istringstream words(line);
    std::string priority;
    std::string language;
    if (!(words >> priority >> language)) continue;
    std::transform(language.begin(), language.end(), language.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    voices.insert(language);
  }
  if (voices.empty()) return Unavailable("{} has no voices", program);
  return voices;
}

absl::StatusOr<Samples> SayWithEspeak(const std::string& program, const std::string& voice,
                                      const std::string& text, absl::Duration limit) {
  TOCSIN_ASSIGN_OR_RETURN(
      const std::string wav,
      Ask(program, {"-v", voice, "-b", "1", "--stdin", "--stdout"}, text, limit));
  const absl::StatusOr<Samples> samples = ReadPipedWav(wav);
  if (!samples.ok()) return Unavailable("{} made no sound", program);
  return Resampled(*samples);
}

absl::StatusOr<Samples> ReadPipedWav(const std::string& wav) {
  const std::string_view bytes(wav);
  if (bytes.size() < 12 || bytes.substr(0, 4) != "RIFF" || bytes.substr(8, 4) != "WAVE") {
    return absl::InvalidArgumentError("not a WAV file");
  }
  Samples samples;
  bool described = false;
  for (std::size_t at = 12; at + 8 <= bytes.size();) {
    const std::string_view kind = bytes.substr(at, 4);
    const std::size_t size = ReadInteger(bytes, at + 4, 4);
    at += 8;
    if (kind == "fmt ") {
      if (size < 16 || at + 16 > bytes.size()) break;
      const bool fits = ReadInteger(bytes, at, 2) == 1 && ReadInteger(bytes, at + 2, 2) == 1 &&
                        ReadInteger(bytes, at + 14, 2) == 16;
      samples.rate = static_cast<int>(ReadInteger(bytes, at + 4, 4));
      described = fits && samples.rate >= 8'000 && samples.rate <= 48'000;
    } else if (kind == "data") {
      if (!described) break;
      const std::size_t end = std::min(bytes.size(), at + size);
      for (; at + 2 <= end; at += 2) {
        samples.values.push_back(static_cast<std::int16_t>(ReadInteger(bytes, at, 2)));
      }
      return samples;
    }
    at += size + size % 2;
  }
  return absl::InvalidArgumentError("not 16-bit PCM, mono");
}

}  // namespace tocsin::speech
