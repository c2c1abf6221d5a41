## The model, its strength, the mix, and what the filter says of itself.
extends PanelContainer

@onready var _filter: NeuralFilter = $"../NeuralFilter"
var _models := OptionButton.new()
var _status := Label.new()
var _message := ""


func _ready() -> void:
	var rows := VBoxContainer.new()
	rows.custom_minimum_size.x = 380
	add_child(rows)
	rows.add_child(_labelled("Model", _models))
	rows.add_child(_labelled("Strength", _slider(_turn_strength)))
	rows.add_child(_labelled("Mix", _slider(func(value: float) -> void: _filter.mix = value)))
	_status.autowrap_mode = TextServer.AUTOWRAP_WORD_SMART
	_status.custom_minimum_size.y = 52
	rows.add_child(_status)

	_list_models()
	_models.item_selected.connect(_choose)
	_filter.connected.connect(_list_models)
	_filter.property_list_changed.connect(_list_models)
	_filter.failed.connect(func(message: String) -> void: _message = message)


func _process(_delta: float) -> void:
	if _filter.is_live():
		_status.text = "%s\nframe %d shows %d, %.0f ms after it was sent" % [
			_filter.status, _filter.sent_frame_id, _filter.result_frame_id, _filter.latency_ms,
		]
	else:
		_status.text = _filter.status


func _list_models() -> void:
	_models.clear()
	for model in _filter.get_models():
		_models.add_item(model)
		if model == _filter.model:
			_models.select(_models.item_count - 1)


func _choose(index: int) -> void:
	_filter.knobs = {}
	_filter.model = _models.get_item_text(index)


func _turn_strength(value: float) -> void:
	# Models that have no such knob say so by the signal `failed`, and go on.
	_filter.set_parameter("strength", value)


func _labelled(title: String, control: Control) -> Control:
	var row := HBoxContainer.new()
	var label := Label.new()
	label.text = title
	label.custom_minimum_size.x = 90
	control.size_flags_horizontal = Control.SIZE_EXPAND_FILL
	row.add_child(label)
	row.add_child(control)
	return row


func _slider(changed: Callable) -> HSlider:
	var slider := HSlider.new()
	slider.max_value = 1.0
	slider.step = 0.01
	slider.value = 1.0
	slider.size_flags_vertical = Control.SIZE_SHRINK_CENTER
	slider.value_changed.connect(changed)
	return slider
