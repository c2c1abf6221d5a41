// Clients by handle: an index into a fixed table and a generation, so that a handle of a client
// that is gone never names another.
#pragma once

#include <framebridge.h>

#include <memory>

namespace framebridge {

class Client;

constexpr int max_clients = 32;

/* A handle for a client, or 0 when the table is full; then the client is left in `client`. */
fb_client add_client(std::unique_ptr<Client> &client);

/* Take a client out. Once nobody holds it any more, which this waits for, it is the caller's alone.
 * Null: there is none. */
std::unique_ptr<Client> remove_client(fb_client handle);

/* A client that stays until it is unpinned; null: there is none. */
Client *pin_client(fb_client handle);
void unpin_client(fb_client handle);

}  // namespace framebridge
