## The frame as the scene draws it on the left of the line, what the model makes of it on the right.
## Drag the line with the mouse.
extends Control

@onready var _scene: SubViewport = $Scene
@onready var _before: Control = $Before
@onready var _picture: TextureRect = $Before/Picture
@onready var _line: ColorRect = $Line


func _ready() -> void:
	_picture.texture = _scene.get_texture()
	resized.connect(_fit)
	_fit()


func _fit() -> void:
	# The picture keeps the size of the window; what stands about it is cut off.
	_picture.size = size


func _gui_input(event: InputEvent) -> void:
	if event is InputEventMouse and event.button_mask & MOUSE_BUTTON_MASK_LEFT:
		move_line(clampf(event.position.x / size.x, 0.0, 1.0))


func move_line(share: float) -> void:
	_before.anchor_right = share
	_line.anchor_left = share
	_line.anchor_right = share
