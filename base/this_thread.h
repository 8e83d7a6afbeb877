#pragma once

namespace tocsin {

// What the calling thread does, in at most 15 characters: top -H and core dumps
// show it.
void NameThisThread(const char* name);

// Lets the calling thread run before others of the machine when it has something
// to do: for the few that little is asked of, but in time. Does nothing where
// the process may not (root, CAP_SYS_NICE or RLIMIT_NICE let it).
void FavorThisThread();

}  // namespace tocsin
