// GET /openapi.json: the document that describes this API.
#include "broker/admin/admin_api.h"
#include "broker/admin/assets.h"

namespace xylem::broker {

void add_document_routes(network::HttpServer& server) {
  const auto* document = network::find_asset(admin_assets(), "/openapi.json");
  XYLEM_CHECK(document != nullptr);
  server.route("GET", "/openapi.json",
               [document](const network::HttpRequest& request, const network::HttpReplyPtr& reply) {
                 reply->send(network::asset_response(*document, "no-cache", request));
               });
}

}  // namespace xylem::broker
