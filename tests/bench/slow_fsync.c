// A disk whose fsync takes a while, for a machine whose own is nearly free:
// preloaded into PostgreSQL (script/bench --fsync-ms N), it waits SLOW_FSYNC_US
// microseconds after each fsync and fdatasync.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>

static void wait_a_while(void) {
  const char* const text = getenv("SLOW_FSYNC_US");
  const long us = text == NULL ? 0 : atol(text);
  struct timespec left = {us / 1000000, us % 1000000 * 1000};
  while (nanosleep(&left, &left) != 0) {
  }
}

static int after_waiting(const char* name, int fd) {
  int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
  const int result = real(fd);
  wait_a_while();
  return result;
}

int fsync(int fd) {
  return after_waiting("fsync", fd);
}

int fdatasync(int fd) {
  return after_waiting("fdatasync", fd);
}
