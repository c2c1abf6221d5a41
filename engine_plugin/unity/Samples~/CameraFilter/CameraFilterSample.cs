using Framebridge;
using UnityEngine;

// Put this on a camera and press Play: its picture goes through a model, and a knob swings.
[RequireComponent(typeof(Camera), typeof(NeuralFilter))]
public sealed class CameraFilterSample : MonoBehaviour
{
    [SerializeField] string _model = "style-ink";
    [SerializeField] string _knob = "strength";

    NeuralFilter _filter;

    void OnEnable()
    {
        _filter = GetComponent<NeuralFilter>();
        _filter.model = _model;
        _filter.Connected += TellConnected;
        _filter.Failed += TellFailed;
    }

    void OnDisable()
    {
        _filter.Connected -= TellConnected;
        _filter.Failed -= TellFailed;
    }

    void Update()
    {
        foreach (var knob in _filter.knobs)
            if (knob.name == _knob)
                _filter.SetParameter(_knob, Mathf.Lerp(knob.min, knob.max, Mathf.PingPong(Time.time * 0.2f, 1)));
    }

    void TellConnected() { Debug.Log("Filtering with " + _filter.state.model); }

    void TellFailed(string problem) { Debug.LogWarning(problem); }
}
