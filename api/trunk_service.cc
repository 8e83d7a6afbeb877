#include "api/trunk_service.h"

#include <algorithm>

#include "api/campaign_messages.h"
#include "api/grpc_status.h"
#include "api/resource_name.h"
#include "api/settle.h"

namespace tocsin {

grpc::Status TrunkServiceImpl::GetTrunk(grpc::ServerContext*, const v1::GetTrunkRequest* request,
                                        v1::Trunk* response) {
  std::vector<FieldViolation> violations;
  const std::string name = ReadTrunkName(request->name(), "name", violations);
  if (!violations.empty()) return ToGrpcStatus(InvalidFields(violations));
  const absl::StatusOr<Trunk> trunk = Settle([&] { return store_.GetTrunk(name); });
  if (trunk.ok()) *response = ToMessage(*trunk);
  return ToGrpcStatus(trunk.status());
}

grpc::Status TrunkServiceImpl::ListTrunks(grpc::ServerContext*, const v1::ListTrunksRequest*,
                                          v1::ListTrunksResponse* response) {
  absl::StatusOr<std::vector<Trunk>> trunks = Settle([&] { return store_.ListTrunks(); });
  if (!trunks.ok()) return ToGrpcStatus(trunks.status());
  std::sort(trunks->begin(), trunks->end(),
            [](const Trunk& a, const Trunk& b) { return a.name < b.name; });
  for (const Trunk& trunk : *trunks) *response->add_trunks() = ToMessage(trunk);
  return grpc::Status::OK;
}

}  // namespace tocsin
