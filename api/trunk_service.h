#pragma once
#include "core/store.h"
#include "tocsin/v1/trunk_service.grpc.pb.h"

namespace tocsin {

// tocsin.v1.TrunkService over a CampaignStore. Thread-safe; `store` must outlive it.
class TrunkServiceImpl final : public v1::TrunkService::Service {
 public:
  explicit TrunkServiceImpl(CampaignStore& store) : store_(store) {}

  grpc::Status GetTrunk(grpc::ServerContext* context, const v1::GetTrunkRequest* request,
                        v1::Trunk* response) override;
  grpc::Status ListTrunks(grpc::ServerContext* context, const v1::ListTrunksRequest* request,
                          v1::ListTrunksResponse* response) override;

 private:
  CampaignStore& store_;
};

}  // namespace tocsin
