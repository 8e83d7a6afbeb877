// What work costs the database: WAL, disk, and the time of its processes, which
// are on this machine.
#pragma once
#include <libpq-fe.h>

#include <fstream>
#include <sstream>
#include <string>

#include "tests/bench/bench.h"

namespace tocsin::bench {

class DatabaseCosts {
 public:
  // The clock of costs starts here.
  explicit DatabaseCosts(const std::string& url) : connection_(PQconnectdb(url.c_str())) {
    if (PQstatus(connection_) != CONNECTION_OK) Stop(PQerrorMessage(connection_));
    before_ = Now();
  }
  ~DatabaseCosts() { PQfinish(connection_); }
  DatabaseCosts(const DatabaseCosts&) = delete;
  DatabaseCosts& operator=(const DatabaseCosts&) = delete;

  // Adds what each of `calls` has cost since the start. Sessions that have ended
  // meanwhile are not counted.
  void AddTo(Figures& figures, double calls) const {
    const State now = Now();
    figures["wal_bytes"] = (now.wal - before_.wal) / calls;
    figures["disk_bytes"] = (now.disk - before_.disk) / calls;
    figures["database_cpu_us"] = (now.cpu_s - before_.cpu_s) / calls * 1e6;
  }

 private:
  struct State {
    double wal = 0;
    double disk = 0;
    double cpu_s = 0;
  };

  State Now() const {
    PGresult* const told =
        PQexec(connection_,
               "SELECT pg_current_wal_insert_lsn() - '0/0', pg_database_size(current_database()),"
               " array_to_string(array(SELECT pid FROM pg_stat_activity), ' ')");
    if (PQresultStatus(told) != PGRES_TUPLES_OK) Stop(PQerrorMessage(connection_));
    State now;
    now.wal = std::atof(PQgetvalue(told, 0, 0));
    now.disk = std::atof(PQgetvalue(told, 0, 1));
    std::istringstream processes(PQgetvalue(told, 0, 2));
    for (int process = 0; processes >> process;) now.cpu_s += CpuSecondsOf(process);
    PQclear(told);
    return now;
  }

  // The kernel counts nanoseconds there.
  static double CpuSecondsOf(int process) {
    std::ifstream file(fmt::format("/proc/{}/schedstat", process));
    double nanoseconds = 0;
    file >> nanoseconds;
    return nanoseconds / 1e9;
  }

  PGconn* connection_;
  State before_;
};

}  // namespace tocsin::bench
