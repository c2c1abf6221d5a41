// Knobs and their values as the messages carry them.
#pragma once

#include "bounded_json.h"
#include "parameters.h"

namespace framebridge {

Json to_json(const Parameters &parameters);

/* Returns false, and an error. */
bool parameters_from(const Json &json, Parameters &read, Error &error);

}  // namespace framebridge
