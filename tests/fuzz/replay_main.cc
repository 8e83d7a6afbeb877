// Feeds a fuzzer every file of the folders named on the command line, every
// truncation of it, and as many inputs made from them as --mutations says, without
// libFuzzer. The same each time: what fails here fails again.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

// A copy of its length, so that reading past it is seen by ASan.
void Try(const std::string& input) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
}

class Mutator {
 public:
  explicit Mutator(const std::vector<std::string>& seeds) : seeds_(seeds) {}

  std::string Next() {
    std::string input = Any();
    for (std::size_t changes = 1 + Below(4); changes > 0; --changes) Change(input);
    return input;
  }

 private:
  static constexpr std::size_t kBytesMax = 65536;

  std::size_t Below(std::size_t end) { return end == 0 ? 0 : dice_() % end; }
  const std::string& Any() { return seeds_[Below(seeds_.size())]; }

  void Change(std::string& input) {
    static constexpr std::string_view kWords[] = {"\"",
                                                  "{",
                                                  "}",
                                                  "[",
                                                  "]",
                                                  ":",
                                                  ",",
                                                  "\r\n",
                                                  "\n",
                                                  "-",
                                                  "0",
                                                  "1e999",
                                                  "%",
                                                  "%00",
                                                  "\\u0000",
                                                  "\xff",
                                                  "\xc3\x28",
                                                  "null",
                                                  "true",
                                                  "&",
                                                  "=",
                                                  "../",
                                                  "*",
                                                  "!!",
                                                  "18446744073709551616",
                                                  "-9223372036854775809"};
    const std::size_t at = Below(input.size() + 1);
    const std::size_t left = input.size() - at;
    switch (Below(7)) {
      case 0:  // A bit.
        if (left > 0) input[at] = static_cast<char>(input[at] ^ (1 << Below(8)));
        return;
      case 1:  // A byte.
        if (left > 0) input[at] = static_cast<char>(Below(256));
        return;
      case 2: input.erase(at, 1 + Below(std::min<std::size_t>(left, 16))); return;
      case 3: input.insert(at, kWords[Below(std::size(kWords))]); return;
      case 4: {  // A part of it, again.
        const std::string part = input.substr(at, 1 + Below(64));
        for (std::size_t n = 1 + Below(3); n > 0 && input.size() < kBytesMax; --n) {
          input.insert(Below(input.size() + 1), part);
        }
        return;
      }
      case 5: {  // The end of another.
        const std::string& other = Any();
        input = input.substr(0, at) + other.substr(Below(other.size() + 1));
        return;
      }
      default: input.resize(at); return;
    }
  }

  const std::vector<std::string>& seeds_;
  std::mt19937_64 dice_{1};
};

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> seeds;
  long mutations = 0;
  for (int i = 1; i < argc; ++i) {
    if (std::string_view(argv[i]) == "--mutations" && i + 1 < argc) {
      mutations = std::atol(argv[++i]);
      continue;
    }
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator(argv[i])) {
      files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());  // In the same order everywhere.
    for (const auto& file : files) {
      std::ostringstream text;
      text << std::ifstream(file, std::ios::binary).rdbuf();
      seeds.push_back(text.str());
    }
  }
  if (seeds.empty()) return 1;
  for (const std::string& seed : seeds) {
    for (std::size_t size = 0; size <= seed.size(); ++size) Try(seed.substr(0, size));
  }
  Mutator mutator(seeds);
  for (long n = 0; n < mutations; ++n) {
    const std::string input = mutator.Next();
    // Where it can be taken from if this is the last that it does.
    if (const char* const path = std::getenv("FUZZ_KEEP")) std::ofstream(path) << input;
    Try(input);
  }
  std::printf("replayed %zu files and %ld inputs made from them\n", seeds.size(), mutations);
  return 0;
}
