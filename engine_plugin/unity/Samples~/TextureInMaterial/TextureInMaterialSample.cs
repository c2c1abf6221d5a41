using Framebridge;
using UnityEngine;

// Put this on an object with a renderer, give it a texture, and press Play: the renderer shows what a
// model makes of the texture, blended half and half.
[RequireComponent(typeof(Renderer))]
public sealed class TextureInMaterialSample : MonoBehaviour
{
    [SerializeField] Texture _texture = null;
    [SerializeField] string _model = "style-mosaic";
    [SerializeField] string _property = "_MainTex"; // _BaseMap in URP, _BaseColorMap in HDRP
    [SerializeField] float _ratePerSecond = 10;

    NeuralFilter _filter;

    void OnEnable()
    {
        if (_filter == null) _filter = gameObject.AddComponent<NeuralFilter>();
        _filter.source = FilterSource.Texture;
        _filter.sourceTexture = _texture;
        _filter.model = _model;
        _filter.targetRenderer = GetComponent<Renderer>();
        _filter.targetProperty = _property;
        _filter.maxSendRate = _ratePerSecond;
        _filter.mix = 0.5f;
    }
}
