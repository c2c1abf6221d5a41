// What the editor shows as help and as tooltips in the inspector; docs/godot.md says more.
#include "neural_filter.h"

namespace framebridge_godot {

namespace {

constexpr const char *HELP = R"xml(<?xml version="1.0" encoding="UTF-8" ?>
<class name="NeuralFilter" inherits="Node" version="4.4">
	<brief_description>Shows what a neural network makes of a viewport or a texture.</brief_description>
	<description>Sends what [member source] or [member source_texture] shows to a bridge, a process of its own that runs the model, and gives what comes back as [member texture], or puts it on [member target]. Godot never waits for it, except under the policy Lockstep.</description>
	<tutorials></tutorials>
	<methods>
		<method name="get_models"><return type="PackedStringArray" /><description>Names of models: those that come with Framebridge, or all that the bridge knows, once it was asked.</description></method>
		<method name="is_live"><return type="bool" /><description>Whether the model runs and frames come back.</description></method>
		<method name="reset"><return type="void" /><param index="0" name="seed" type="int" /><description>Puts the model's state and tick back to the beginning.</description></method>
		<method name="restart"><return type="void" /><description>Closes the stream; the next frame opens another.</description></method>
		<method name="set_parameter"><return type="void" /><param index="0" name="name" type="StringName" /><param index="1" name="value" type="Variant" /><description>Turns a knob: a bool, an int, a float, a String (a choice) or a Color. The same as setting the property [code]knobs/NAME[/code], which animations can do.</description></method>
		<method name="submit_image"><return type="bool" /><param index="0" name="image" type="Image" /><description>Sends an image of your own. Returns whether it could be read.</description></method>
	</methods>
	<members>
		<member name="auto_start" type="bool" setter="set_auto_start" getter="get_auto_start" default="true">Start a bridge with [member sidecar_command] where none is found.</member>
		<member name="dropped" type="int" getter="get_dropped" setter="">Frames that came back without a result, since a newer one was there.</member>
		<member name="enabled" type="bool" setter="set_enabled" getter="get_enabled" default="true">Off: the stream is closed, and the texture keeps what it shows.</member>
		<member name="keep_alpha" type="bool" setter="set_keep_alpha" getter="get_keep_alpha" default="false">Carry alpha along. Otherwise it is not looked at, and 1 in results.</member>
		<member name="knobs" type="Dictionary" setter="set_knobs" getter="get_knobs" default="{}">What the model lets you turn, by name: bool, int, float, String or Color.</member>
		<member name="latency_ms" type="float" getter="get_latency_ms" setter="">From sending a frame to the arrival of its result.</member>
		<member name="lockstep_timeout_s" type="float" setter="set_lockstep_timeout_s" getter="get_lockstep_timeout_s" default="30.0">How long Lockstep waits at most, for the model to load and for each result.</member>
		<member name="mix" type="float" setter="set_mix" getter="get_mix" default="1.0">1: the result. 0: the frame. Between them a blend of a result and the very frame that it was made of. Below 1 the processor carries the pixels.</member>
		<member name="model" type="String" setter="set_model" getter="get_model" default="&quot;style-ink&quot;">A package's name, or the absolute path of a package's folder. Another one is loaded while the old one runs on.</member>
		<member name="origin" type="int" getter="get_origin" setter="">What the texture shows: a result, a frame that was passed through, or nothing.</member>
		<member name="path" type="int" setter="set_path" getter="get_path" default="0">How pixels leave Godot and come back. Auto: through OpenGL where Godot draws with it, so that nothing waits for the graphics device.</member>
		<member name="policy" type="int" setter="set_policy" getter="get_policy" default="0">Latest: the newest frame wins, and nothing queues. Lockstep: Godot waits for the result of each frame; for films. Free: the model ticks by itself.</member>
		<member name="rate" type="float" setter="set_rate" getter="get_rate" default="0.0">Frames sent a second at most, 0 for each. Under Free: ticks a second at most, 0 for 60.</member>
		<member name="restarts" type="int" getter="get_restarts" setter="">How often the model's process was started again.</member>
		<member name="result_frame_id" type="int" getter="get_result_frame_id" setter="">The frame that the texture was made of.</member>
		<member name="returned" type="int" getter="get_returned" setter="">Frames that came back as a result.</member>
		<member name="seed" type="int" setter="set_seed" getter="get_seed" default="0">Of all that the model draws at random.</member>
		<member name="sent" type="int" getter="get_sent" setter="">Frames that were given to the bridge.</member>
		<member name="sent_frame_id" type="int" getter="get_sent_frame_id" setter="">The frame that was sent last.</member>
		<member name="shared" type="bool" setter="set_shared" getter="get_shared" default="false">The bridge that is started serves all programs of this user, and outlives this one. Otherwise it ends with Godot.</member>
		<member name="sidecar_command" type="PackedStringArray" setter="set_sidecar_command" getter="get_sidecar_command" default="PackedStringArray(&quot;framebridge&quot;)">The program that starts a bridge, and its first words.</member>
		<member name="skipped" type="int" getter="get_skipped" setter="">Frames that were not sent: no slot was free, or no bridge was there.</member>
		<member name="source" type="NodePath" setter="set_source" getter="get_source" default="NodePath(&quot;&quot;)">A Viewport, or a SubViewportContainer that has one. Empty: [member source_texture], or else the viewport that this node is in. It must not show this filter's own target.</member>
		<member name="source_texture" type="Texture2D" setter="set_source_texture" getter="get_source_texture">A texture that is read in each frame instead of a viewport.</member>
		<member name="state" type="int" getter="get_state" setter="">Whether the stream is live, or how far it is.</member>
		<member name="status" type="String" getter="get_status" setter="">The state in words, with what to do if something is wrong.</member>
		<member name="target" type="NodePath" setter="set_target" getter="get_target" default="NodePath(&quot;&quot;)">A node that shows the result, by its property [member target_property].</member>
		<member name="target_property" type="String" setter="set_target_property" getter="get_target_property" default="&quot;texture&quot;">Which property of the target is given the texture: [code]texture[/code], [code]material_override:albedo_texture[/code], [code]material:shader_parameter/NAME[/code].</member>
		<member name="texture" type="ImageTexture" getter="get_texture" setter="">The newest result; the same object for as long as the node lives.</member>
		<member name="when_gone" type="int" setter="set_when_gone" getter="get_when_gone" default="0">What is shown while no model runs: the frame itself, the last result, or nothing.</member>
	</members>
	<signals>
		<signal name="connected"><description>The stream is live: at first, and whenever it is so again.</description></signal>
		<signal name="failed"><param index="0" name="message" type="String" /><description>Something was refused; the message says what was expected, what was found, and what to do.</description></signal>
		<signal name="frame_ready"><param index="0" name="frame_id" type="int" /><description>The texture shows the result of this frame. Its id is [code]Engine.get_frames_drawn() + 1[/code] of then.</description></signal>
		<signal name="lost"><param index="0" name="reason" type="String" /><description>The stream was live and is so no more. It comes back by itself.</description></signal>
	</signals>
</class>
)xml";

} // namespace

void NeuralFilter::register_help() {
    if (godot.load_help != nullptr) godot.load_help(HELP);
}

} // namespace framebridge_godot
