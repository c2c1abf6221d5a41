// The node's life: entering and leaving the scene, a frame, and what is wrong.
#include "neural_filter.h"

#include "knobs.h"

#include <chrono>
#include <cstring>
#include <thread>

namespace framebridge_godot {

namespace {

enum : int32_t { ENTER_TREE = 10, EXIT_TREE = 11 };

double now_s() {
    using namespace std::chrono;
    return duration<double>(steady_clock::now().time_since_epoch()).count();
}

void sleep_a_millisecond() { std::this_thread::sleep_for(std::chrono::milliseconds(1)); }

const char *words_for(int32_t state) {
    switch (state) {
    case NeuralFilter::ABSENT: return "No bridge is found. Start one: framebridge serve";
    case NeuralFilter::CONNECTING: return "Connecting to the bridge.";
    case NeuralFilter::OPENING: return "The bridge loads the model.";
    case NeuralFilter::LIVE: return "Live.";
    case NeuralFilter::PAUSED: return "The model's process has ended and is started again.";
    case NeuralFilter::FAILED: return "Failed.";
    default: return "Off.";
    }
}

} // namespace

void NeuralFilter::notification(int32_t what) {
    if (what == ENTER_TREE) enter_tree();
    if (what == EXIT_TREE) exit_tree();
}

Variant NeuralFilter::callable(const char *method) const {
    return Variant::construct(GDEXTENSION_VARIANT_TYPE_CALLABLE, {self(), method});
}

void NeuralFilter::emit(const char *signal, std::initializer_list<Variant> arguments) const {
    const Variant node = self();
    switch (arguments.size()) {
    case 0: node.call("emit_signal", {signal}); break;
    default: node.call("emit_signal", {signal, *arguments.begin()});
    }
}

void NeuralFilter::enter_tree() {
    // In the editor a scene is looked at, not played.
    if (connected_ || singleton("Engine").call("is_editor_hint").as_bool()) return;
    const Variant rendering = singleton("RenderingServer");
    rendering.call("connect", {"frame_pre_draw", callable("_before_draw")});
    rendering.call("connect", {"frame_post_draw", callable("_after_draw")});
    connected_ = true;
    on_target_ = false;
}

void NeuralFilter::exit_tree() {
    if (!connected_) return;
    const Variant rendering = singleton("RenderingServer");
    rendering.call("disconnect", {"frame_pre_draw", callable("_before_draw")});
    rendering.call("disconnect", {"frame_post_draw", callable("_after_draw")});
    connected_ = false;
    close();
}

void NeuralFilter::close() {
    if (by_gl_) gl_.close(client_.handle());
    by_gl_ = false;
    gl_failed_ = false;
    client_.close();
    sent_frames_.forget();
    statistics_ = fb_statistics{};
    state_ = OFF;
    reason_.clear();
    failure_.clear();
    next_send_s_ = 0;
    gave_up_ = false;
    stale_ = false;
}

Variant NeuralFilter::before_draw(const Variant *) {
    if (!runs()) return {};
    put_on_target();
    read_answers();
    if (by_gl_) {
        take_result_by_gl();
    } else {
        take_result();
    }
    watch_state();
    return {};
}

Variant NeuralFilter::after_draw(const Variant *) {
    if (!runs()) return {};
    const FrameSource source = find_source(self(), source_path_, source_texture_);
    if (!source.found()) {
        reason_ = source.reason;
        return {};
    }
    if (!client_.is_open() || stale_) {
        // Refused settings are not tried again before they change.
        if (!stale_ && !reason_.empty() && state_ == FAILED) return {};
        if (!open(settings_for(source))) return {};
    }
    const bool lockstep = policy_.as_int() == FB_LOCKSTEP;
    if (lockstep ? !wait_until_live() : !is_due()) return {};
    const auto frame_id = static_cast<uint64_t>(singleton("Engine").call("get_frames_drawn").as_int()) + 1;
    if (send_by_gl(source, frame_id)) return {};
    CapturedFrame frame;
    if (!capture(source, frame)) {
        reason_ = "source: it has no picture (nothing is rendered with --headless).";
        return {};
    }
    reason_.clear();
    send(frame, frame_id);
    if (lockstep) wait_for_result(frame_id);
    return {};
}

ClientSettings NeuralFilter::settings_for(const FrameSource &source) const {
    ClientSettings settings;
    settings.model = model_.as_string();
    std::vector<std::string> refused;
    settings.knobs_json = knobs_as_json(knobs_, refused);
    for (const std::string &name : refused) {
        log_warning("knobs: " + name + ": expected a bool, an int, a float, a String or a Color. It is left out.");
    }
    if (auto_start_.as_bool()) {
        const int64_t count = sidecar_command_.call("size").as_int();
        std::string words;
        for (int64_t k = 0; k < count; k++) {
            words += (k > 0 ? ", " : "") + json_string(sidecar_command_.call("get", {k}).as_string());
        }
        if (count > 0) settings.start_command = "[" + words + "]";
    }
    settings.label = self().call("get_name").as_string();
    settings.width = source.width();
    settings.height = source.height();
    settings.transfer = source.is_linear() ? FB_LINEAR : FB_SRGB;
    settings.alpha = keep_alpha_.as_bool() ? FB_STRAIGHT : FB_OPAQUE;
    settings.policy = static_cast<int32_t>(policy_.as_int());
    settings.when_gone = static_cast<int32_t>(when_gone_.as_int());
    settings.rate = rate_.as_double();
    settings.seed = seed_.as_int();
    settings.shared = shared_.as_bool();
    return settings;
}

bool NeuralFilter::open(const ClientSettings &settings) {
    close();
    std::string error;
    if (client_.open(settings, error)) {
        client_.ask_for_packages();
        return true;
    }
    state_ = FAILED;
    reason_ = error;
    fail(error);
    return false;
}

bool NeuralFilter::is_due() {
    const double rate = rate_.as_double();
    // Under FREE the bridge ticks, and wants each frame.
    if (rate <= 0 || policy_.as_int() == FB_FREE) return true;
    const double now = now_s();
    if (now < next_send_s_) return false;
    const double next = next_send_s_ + 1 / rate;
    next_send_s_ = next > now ? next : now + 1 / rate;
    return true;
}

void NeuralFilter::send(const CapturedFrame &frame, uint64_t frame_id) {
    if (mix_.as_double() < 1) sent_frames_.keep(frame_id, frame.pixels, frame.width, frame.height);
    const fb_status status = client_.submit(frame.pixels, frame.width, frame.height, frame_id);
    if (status < 0) fail(client_.error());
}

bool NeuralFilter::prefers_gl(const FrameSource &source) {
    if (path_.as_int() == PROCESSOR || gl_failed_) return false;
    // Lockstep waits for its result anyway, and a mix is made of frames that the processor keeps.
    if (policy_.as_int() == FB_LOCKSTEP || mix_.as_double() < 1) return false;
    return gl_.is_usable() && GlPath::native_handle(source) != 0;
}

bool NeuralFilter::send_by_gl(const FrameSource &source, uint64_t frame_id) {
    const bool by_gl = prefers_gl(source);
    if (by_gl_ && !by_gl) gl_.close(client_.handle());
    by_gl_ = by_gl;
    if (!by_gl) return false;
    const fb_status status = gl_.send(client_.handle(), source, frame_id);
    if (status >= 0) {
        reason_.clear();
        return true;
    }
    gl_failed_ = true;
    by_gl_ = false;
    const std::string error = client_.error();
    gl_.close(client_.handle());
    log_warning("OpenGL cannot read the source, so the processor does. " + error);
    return false;
}

void NeuralFilter::take_result_by_gl() {
    const GlPath::Shown now = gl_.show(client_.handle(), result_);
    if (now.is_new) shown(now.frame_id, now.origin);
}

void NeuralFilter::shown(uint64_t frame_id, int32_t origin) {
    origin_ = origin;
    result_frame_id_ = frame_id;
    if (origin == FB_FROM_BRIDGE) emit("frame_ready", {static_cast<int64_t>(frame_id)});
}

void NeuralFilter::take_result() {
    fb_result result;
    if (client_.poll(result)) show(result);
}

void NeuralFilter::show(const fb_result &result) {
    const int32_t width = result.format.width, height = result.format.height;
    uint8_t *target = result_.begin(width, height);
    if (target == nullptr) return;
    const size_t row_bytes = static_cast<size_t>(width) * 4;
    const int64_t stride = result.stride != 0 ? result.stride : static_cast<int64_t>(row_bytes);
    const auto *pixels = static_cast<const uint8_t *>(result.pixels);
    for (int32_t y = 0; y < height; y++) {
        std::memcpy(target + static_cast<size_t>(y) * row_bytes, pixels + y * stride, row_bytes);
    }
    if (mix_.as_double() < 1 && result.origin == FB_FROM_BRIDGE) {
        if (const SentFrames::Frame *source = sent_frames_.find(result.frame_id)) {
            blend(target, width, height, *source, mix_.as_double());
        }
    }
    // The signal may end all this, and with it the result.
    const uint64_t frame_id = result.frame_id;
    const int32_t origin = result.origin;
    result_.end();
    shown(frame_id, origin);
}

bool NeuralFilter::wait_until_live() {
    const double end = now_s() + lockstep_timeout_s_.as_double();
    for (;;) {
        const int32_t state = client_.statistics().state;
        if (state == FB_LIVE) {
            gave_up_ = false;
            return true;
        }
        if (gave_up_ || state == FB_FAILED) return false;
        if (now_s() > end) {
            gave_up_ = true;
            fail("lockstep: not live within lockstep_timeout_s. " + client_.error());
            return false;
        }
        sleep_a_millisecond();
    }
}

void NeuralFilter::wait_for_result(uint64_t frame_id) {
    const double end = now_s() + lockstep_timeout_s_.as_double();
    while (client_.is_open()) {
        fb_result result;
        if (client_.poll(result)) {
            // The signal may end all this, so nothing of the result is looked at afterwards.
            const bool is_it = result.origin == FB_FROM_BRIDGE && result.frame_id >= frame_id;
            show(result);
            if (is_it) return;
        }
        if (client_.statistics().state != FB_LIVE) return;
        if (now_s() > end) {
            fail("lockstep: no result within lockstep_timeout_s.");
            return;
        }
        sleep_a_millisecond();
    }
}

void NeuralFilter::put_on_target() {
    if (on_target_) return;
    on_target_ = true;
    if (target_path_.call("is_empty").as_bool()) return;
    const Variant node = self().call("get_node_or_null", {target_path_});
    if (node.as_object() == nullptr) {
        fail("target: no node at " + target_path_.as_string() + ".");
        return;
    }
    const Variant property = Variant::construct(GDEXTENSION_VARIANT_TYPE_NODE_PATH, {target_property_.as_string()});
    node.call("set_indexed", {property, result_.texture()});
    if (node.call("get_indexed", {property}) != result_.texture()) {
        fail("target_property: " + target_property_.as_string() + " of " + target_path_.as_string() +
             " takes no texture. For a material: material_override:albedo_texture.");
    }
}

void NeuralFilter::read_answers() {
    BridgeClient::Answer answer;
    while (client_.next_answer(answer)) {
        if (answer.status == FB_OK) {
            if (answer.asked == "packages") learn_models(parse_json(answer.json));
            continue;
        }
        if (answer.asked == "packages") continue;
        const Variant said = parse_json(answer.json);
        const Variant message = said.type() == GDEXTENSION_VARIANT_TYPE_DICTIONARY
                                    ? said.call("get", {"message", Variant(answer.json)})
                                    : Variant(answer.json);
        fail(answer.asked + ": " + message.as_string());
    }
}

void NeuralFilter::watch_state() {
    if (!client_.is_open()) return;
    const int32_t before = state_;
    statistics_ = client_.statistics();
    state_ = statistics_.state;
    const std::string error = client_.error();
    if (state_ == FAILED && before != FAILED) fail(error);
    if (state_ == before) return;
    if (state_ == LIVE) {
        failure_.clear();
        emit("connected");
    } else if (before == LIVE) {
        emit("lost", {error.empty() ? words_for(state_) : error});
    }
}

void NeuralFilter::fail(const std::string &message) {
    if (message.empty() || message == failure_) return;
    failure_ = message;
    log_error(message);
    emit("failed", {message});
}

Variant NeuralFilter::get_status(const Variant *) {
    if (!enabled_.as_bool()) return "Off: enabled is not set.";
    if (!connected_) return "Off: not in a scene that is played.";
    if (!reason_.empty()) return reason_;
    const std::string error = client_.error();
    if (!error.empty()) return error;
    if (state_ != LIVE) return words_for(state_);
    return by_gl_ ? "Live, frames are read by OpenGL." : "Live, frames are read by the processor.";
}

} // namespace framebridge_godot
