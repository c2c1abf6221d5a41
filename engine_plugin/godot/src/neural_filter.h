// The NeuralFilter node: sends what a viewport or texture shows to a bridge, and shows what comes
// back in a texture.
#pragma once

#include "bridge_client.h"
#include "frame_source.h"
#include "gl_path.h"
#include "mixing.h"
#include "result_texture.h"

#include <string>
#include <vector>

namespace framebridge_godot {

class NeuralFilter {
  public:
    /// NeuralFilter.State: those of fb_statistics, and one of our own.
    enum State { ABSENT, CONNECTING, OPENING, LIVE, PAUSED, FAILED, OFF };
    /// NeuralFilter.Path: how pixels leave Godot and come back.
    enum Path { AUTO, PROCESSOR, OPENGL };

    explicit NeuralFilter(GDExtensionObjectPtr self);
    ~NeuralFilter();
    NeuralFilter(const NeuralFilter &) = delete;
    NeuralFilter &operator=(const NeuralFilter &) = delete;

    /// Registers the class with Godot, and takes it back (neural_filter_class.cpp).
    static void register_class();
    static void unregister_class();
    /// Hands the editor what it shows as help (neural_filter_help.cpp).
    static void register_help();

    // What Godot calls.
    void notification(int32_t what);
    bool set(const std::string &name, const Variant &value);
    bool get(const std::string &name, Variant &value) const;
    bool shape_property(GDExtensionPropertyInfo *info) const;

    // Methods and properties, as their table in neural_filter_class.cpp names them.
    Variant set_parameter(const Variant *arguments);
    Variant submit_image(const Variant *arguments);
    Variant reset(const Variant *arguments);
    Variant restart(const Variant *arguments);
    Variant is_live(const Variant *);
    Variant get_models(const Variant *);
    Variant before_draw(const Variant *);
    Variant after_draw(const Variant *);

    template <Variant NeuralFilter::*member> Variant get_plain(const Variant *) { return this->*member; }
    template <Variant NeuralFilter::*member> Variant set_plain(const Variant *arguments) {
        this->*member = arguments[0];
        return {};
    }
    /// A setting that a stream is opened with: the next frame opens another.
    template <Variant NeuralFilter::*member> Variant set_opening(const Variant *arguments) {
        if (this->*member != arguments[0]) stale_ = true;
        this->*member = arguments[0];
        return {};
    }
    Variant set_enabled(const Variant *arguments);
    Variant set_model(const Variant *arguments);
    Variant get_knobs(const Variant *);
    Variant set_knobs(const Variant *arguments);
    Variant set_target(const Variant *arguments);
    Variant set_target_property(const Variant *arguments);
    Variant get_texture(const Variant *);
    Variant get_state(const Variant *);
    Variant get_status(const Variant *);
    Variant get_origin(const Variant *);
    Variant get_sent_frame_id(const Variant *);
    Variant get_result_frame_id(const Variant *);
    Variant get_latency_ms(const Variant *);
    Variant get_sent(const Variant *);
    Variant get_returned(const Variant *);
    Variant get_dropped(const Variant *);
    Variant get_skipped(const Variant *);
    Variant get_restarts(const Variant *);

    // Settings, in the type that Godot gives them.
    Variant enabled_{true};
    Variant source_path_, source_texture_;
    Variant target_path_;
    Variant target_property_{"texture"};
    Variant model_{"style-ink"};
    Variant knobs_;
    Variant policy_{FB_LATEST};
    Variant when_gone_{FB_PASS_THROUGH};
    Variant rate_{0.0};
    Variant mix_{1.0};
    Variant seed_{0};
    Variant path_{AUTO};
    Variant keep_alpha_{false};
    Variant auto_start_{true};
    Variant sidecar_command_;
    Variant shared_{false};
    Variant lockstep_timeout_s_{30.0};

  private:
    void enter_tree();
    void exit_tree();
    void close();
    Variant callable(const char *method) const;
    Variant self() const { return Variant::object(self_); }
    void emit(const char *signal, std::initializer_list<Variant> arguments = {}) const;

    ClientSettings settings_for(const FrameSource &source) const;
    bool open(const ClientSettings &settings);
    bool is_due();
    bool send_by_gl(const FrameSource &source, uint64_t frame_id);
    bool prefers_gl(const FrameSource &source);
    void send(const CapturedFrame &frame, uint64_t frame_id);
    void take_result();
    void take_result_by_gl();
    void shown(uint64_t frame_id, int32_t origin);
    void show(const fb_result &result);
    bool wait_until_live();
    void wait_for_result(uint64_t frame_id);
    void turn_knob(const Variant &name, const Variant &value);
    void put_on_target();
    void read_answers();
    void learn_models(const Variant &answer);
    void watch_state();
    void fail(const std::string &message);
    bool runs() const { return connected_ && enabled_.as_bool(); }

    GDExtensionObjectPtr self_;
    BridgeClient client_;
    ResultTexture result_;
    GlPath gl_;
    SentFrames sent_frames_;
    fb_statistics statistics_{};
    std::string reason_;        ///< why nothing is sent, of ourselves
    std::string failure_;       ///< the message of the last `failed`
    int32_t state_ = OFF;
    uint64_t result_frame_id_ = 0;
    double next_send_s_ = 0;
    bool connected_ = false; ///< to the signals of the RenderingServer
    bool stale_ = false;     ///< settings have changed that a stream is opened with
    bool on_target_ = false;
    bool gave_up_ = false; ///< lockstep has waited in vain, and waits no more before the stream is live
    bool by_gl_ = false;  ///< how the last frame was sent
    bool gl_failed_ = false;
    int32_t origin_ = FB_CLEARED;
};

} // namespace framebridge_godot
