using System;

// A picture in which every mistake shows: corners of four colours, a ramp of each channel, steps of
// alpha, and a bar code of the frame's number. Bottom row first, RGBA.
static class Chart
{
    internal static byte[] Draw(int width, int height, ulong number)
    {
        var picture = new byte[width * height * 4];
        for (var y = 0; y < height; y++)
            for (var x = 0; x < width; x++)
            {
                var at = (y * width + x) * 4;
                var band = y * 4 / height;
                for (var channel = 0; channel < 3; channel++)
                    picture[at + channel] = band == channel ? (byte)(x * 255 / (width - 1)) : (byte)40;
                picture[at + 3] = band == 3 ? (byte)(255 - x * 8 / width * 30) : (byte)255;
                if (band == 1 && x < 48) // the number, a bit every three columns
                {
                    var on = (number >> x / 3 & 1) != 0;
                    picture[at] = picture[at + 1] = picture[at + 2] = on ? (byte)255 : (byte)0;
                }
            }
        Corner(picture, width, 0, 0, 255, 0, 0);
        Corner(picture, width, width - 4, 0, 0, 255, 0);
        Corner(picture, width, 0, height - 4, 0, 0, 255);
        Corner(picture, width, width - 4, height - 4, 255, 255, 0);
        return picture;
    }

    static void Corner(byte[] picture, int width, int left, int bottom, byte red, byte green, byte blue)
    {
        for (var y = bottom; y < bottom + 4; y++)
            for (var x = left; x < left + 4; x++)
            {
                var at = (y * width + x) * 4;
                picture[at] = red;
                picture[at + 1] = green;
                picture[at + 2] = blue;
                picture[at + 3] = 255;
            }
    }

    // The largest difference of two pictures, in levels.
    internal static int Difference(byte[] a, byte[] b)
    {
        if (a.Length != b.Length) return 256;
        var largest = 0;
        for (var i = 0; i < a.Length; i++) largest = Math.Max(largest, Math.Abs(a[i] - b[i]));
        return largest;
    }

    // A white bar on black, one column further with each number.
    internal static byte[] Edge(int width, int height, ulong number)
    {
        var picture = new byte[width * height * 4];
        var left = (int)(number % (ulong)width);
        for (var y = 0; y < height; y++)
            for (var x = 0; x < width; x++)
            {
                var at = (y * width + x) * 4;
                var lit = x >= left && x < left + width / 4;
                picture[at] = picture[at + 1] = picture[at + 2] = lit ? (byte)255 : (byte)0;
                picture[at + 3] = 255;
            }
        return picture;
    }

    internal static byte[] Flat(int width, int height, int level)
    {
        var picture = new byte[width * height * 4];
        for (var i = 0; i < picture.Length; i++) picture[i] = i % 4 == 3 ? (byte)255 : (byte)level;
        return picture;
    }
}
