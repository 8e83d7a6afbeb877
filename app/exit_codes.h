#pragma once

namespace tocsin {

// What the process ends with. `tocsin campaign` adds 3: not found.
inline constexpr int kExitDone = 0;
inline constexpr int kExitFailed = 1;
inline constexpr int kExitUsage = 2;
inline constexpr int kExitConfig = 78;  // EX_CONFIG: starting again changes nothing.

}  // namespace tocsin
