## Watches a filter in the demo from inside, as a script of a user would: paints each frame's id into
## it, keeps what was sent and what came back, and writes both down. What it does is told by a plan,
## the JSON file that the command line names:
##   out            folder to write to
##   size           of the frames, [width, height]
##   set            properties of the filter
##   frames         results to wait for, then Godot ends; or
##   ticks          frames to draw, then Godot ends
##   keep           whether pictures are written
##   bars           false: the id is not painted
##   bare           whether the result alone is shown, and what the window shows is written, too
##   turns          enter and leave the scene so often, `frames` results each
##   screenshot     a file for a picture of the window, after the last result
##   stop_file      Godot ends when it exists
extends Node

const BITS := 24

var _plan: Dictionary
var _filter: NeuralFilter
var _scene: SubViewport
var _bars: Array[ColorRect] = []
var _results := 0
var _drawn := 0
var _turn := 0
var _errors: Array[String] = []
var _events: FileAccess
var _max_tick_ms := 0.0
var _last_tick_us := 0
var _last_status := ""


func _enter_tree() -> void:
	_plan = JSON.parse_string(FileAccess.get_file_as_string(OS.get_cmdline_user_args()[0]))
	_events = FileAccess.open(_plan.out.path_join("events.jsonl"), FileAccess.WRITE)
	get_tree().node_added.connect(_on_node_added)
	RenderingServer.frame_post_draw.connect(_after_draw)


func _on_node_added(node: Node) -> void:
	if node is NeuralFilter:
		_filter = node
		_scene = node.get_parent().get_node("Scene")
		if _plan.has("size"):
			_scene.size = Vector2i(_plan.size[0], _plan.size[1])
		for property: String in _plan.get("set", {}):
			_filter.set(property, _plan.set[property])
		_filter.connected.connect(_say.bind("connected", 0))
		_filter.lost.connect(func(reason: String) -> void: _say("lost", reason))
		_filter.failed.connect(_on_failed)
		_filter.frame_ready.connect(_on_frame_ready)
		if _plan.get("bars", true):
			_paint_bars.call_deferred()
		if _plan.get("bare", false):
			_show_result_alone.call_deferred(node.get_parent())


func _show_result_alone(demo: Control) -> void:
	for name in ["Before", "Line", "Panel"]:
		demo.get_node(name).hide()


## The id as a row of black and white squares at the upper edge, the lowest bit on the left.
func _paint_bars() -> void:
	var layer := CanvasLayer.new()
	_scene.add_child(layer)
	_bars.clear()
	for k in BITS:
		var bar := ColorRect.new()
		var side := _scene.size.x / float(BITS)
		bar.position = Vector2(k * side, 0)
		bar.size = Vector2(side, 12)
		layer.add_child(bar)
		_bars.append(bar)


func _process(_delta: float) -> void:
	var now := Time.get_ticks_usec()
	if _last_tick_us > 0:
		_max_tick_ms = maxf(_max_tick_ms, (now - _last_tick_us) / 1000.0)
	_last_tick_us = now
	var id := Engine.get_frames_drawn() + 1
	for k in _bars.size():
		if is_instance_valid(_bars[k]):
			_bars[k].color = Color.WHITE if (id >> k) & 1 else Color.BLACK
	_drawn += 1
	if is_instance_valid(_filter) and _filter.origin == NeuralFilter.ORIGIN_PASSED_THROUGH:
		_say("passed", _filter.result_frame_id)
	if is_instance_valid(_filter) and _filter.status != _last_status:
		_last_status = _filter.status
		_say("status", _last_status)
	if _plan.has("ticks") and _drawn >= int(_plan.ticks):
		_end()
	if _plan.has("stop_file") and FileAccess.file_exists(_plan.stop_file):
		_end()


func _after_draw() -> void:
	if _filter == null or not is_instance_valid(_filter) or not _plan.get("keep", false):
		return
	var image := _scene.get_texture().get_image()
	if image != null:
		_write("sent", Engine.get_frames_drawn() + 1, image)
	if _plan.get("bare", false) and _filter.result_frame_id > 0:
		_write("screen", _filter.result_frame_id, get_viewport().get_texture().get_image())


func _on_frame_ready(frame_id: int) -> void:
	_results += 1
	if _plan.get("keep", false):
		_write("result", frame_id, _filter.texture.get_image())
	_say("frame", frame_id)
	if _plan.has("frames") and _results >= int(_plan.frames):
		_results = 0
		_turn += 1
		_say("threads", _threads())
		if _turn < int(_plan.get("turns", 1)):
			get_tree().reload_current_scene.call_deferred()
		else:
			_end.call_deferred()


func _on_failed(message: String) -> void:
	_errors.append(message)
	_say("failed", message)


func _write(kind: String, id: int, image: Image) -> void:
	image.convert(Image.FORMAT_RGBA8)
	var name := "%s-%d-%dx%d.rgba" % [kind, id, image.get_width(), image.get_height()]
	var file := FileAccess.open(_plan.out.path_join(name), FileAccess.WRITE)
	file.store_buffer(image.get_data())


func _say(kind: String, value: Variant) -> void:
	_events.store_line(JSON.stringify([kind, Engine.get_frames_drawn(), value]))
	_events.flush()


func _end() -> void:
	set_process(false)
	if _plan.has("screenshot"):
		await RenderingServer.frame_post_draw
		get_viewport().get_texture().get_image().save_png(_plan.screenshot)
	var report := {
		"status": _filter.status, "state": _filter.state, "sent": _filter.sent,
		"returned": _filter.returned, "dropped": _filter.dropped, "skipped": _filter.skipped,
		"restarts": _filter.restarts, "latency_ms": _filter.latency_ms, "origin": _filter.origin,
		"result_frame_id": _filter.result_frame_id, "errors": _errors, "drawn": _drawn,
		"max_tick_ms": _max_tick_ms, "models": _filter.get_models(),
	}
	var file := FileAccess.open(_plan.out.path_join("report.json"), FileAccess.WRITE)
	file.store_string(JSON.stringify(report))
	file.close()
	get_tree().quit()


func _threads() -> int:
	return DirAccess.get_directories_at("/proc/self/task").size()
