## Things that turn and float, the same in every run: it counts frames, not seconds.
extends Node3D

const TICK := 1.0 / 60.0

var _ticks := 0

@onready var _camera: Camera3D = $Camera
@onready var _ring: MeshInstance3D = $Ring
@onready var _balls: Node3D = $Balls


func _process(_delta: float) -> void:
	_ticks += 1
	var time := _ticks * TICK
	_ring.rotation = Vector3(time * 0.7, time * 0.9, 0.0)
	for k in _balls.get_child_count():
		var angle := time * 0.6 + TAU * k / _balls.get_child_count()
		var ball: Node3D = _balls.get_child(k)
		ball.position = Vector3(cos(angle) * 2.1, 0.6 + 0.5 * sin(time * 1.7 + k * 1.3), sin(angle) * 2.1)
	_camera.position = Vector3(sin(time * 0.2) * 4.6, 2.2, cos(time * 0.2) * 4.6)
	_camera.look_at(Vector3(0.0, 0.7, 0.0))
