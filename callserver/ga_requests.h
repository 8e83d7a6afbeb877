#pragma once
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/http_server.h"
#include "callserver/call_simulation.h"
#include "wire/paths_ga.h"

// GA's requests as what happens to the simulation, and its answers as GA's.
namespace tocsin::callserver {

// The file under that key, if it is here already.
using AudioFinder = std::function<std::optional<AudioFile>(const std::string& key)>;

// A createCall. Refused unless it is for one telephone number, from one.
std::variant<input::CreateCall, Refusal> ReadGaCreateCall(std::string_view body);

// Any other request.
std::variant<SimulationInput, Refusal> ReadGaRequest(const wire::ga::Route& route,
                                                     std::string_view body,
                                                     const AudioFinder& audio);

HttpResponse GaAnswer(wire::ga::Operation operation, const Answer& answer);
HttpResponse GaError(int status, std::string_view code, std::string_view message);

}  // namespace tocsin::callserver
