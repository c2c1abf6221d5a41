using System;
using System.Collections.Generic;
using System.Globalization;
using System.Text;

namespace Framebridge.Internal {

// JSON as the library's answers need it: objects are Dictionary<string, object>, arrays List<object>,
// numbers double. A text that is none gives null; nesting beyond 32 is none.
static class Json
{
    const int DeepestNesting = 32;

    internal static object Parse(string text)
    {
        var at = 0;
        try
        {
            var value = Value(text, ref at, 0);
            Skip(text, ref at);
            return at == text.Length ? value : null;
        }
        catch (FormatException) { return null; }
        catch (IndexOutOfRangeException) { return null; }
        catch (ArgumentOutOfRangeException) { return null; }
    }

    internal static string Quote(string text)
    {
        var quoted = new StringBuilder("\"");
        foreach (var letter in text)
            if (letter == '"' || letter == '\\') quoted.Append('\\').Append(letter);
            else if (letter < ' ') quoted.Append("\\u").Append(((int)letter).ToString("x4"));
            else quoted.Append(letter);
        return quoted.Append('"').ToString();
    }

    internal static string Number(double value)
    {
        return value.ToString("R", CultureInfo.InvariantCulture);
    }

    internal static string Array(IEnumerable<string> words)
    {
        var quoted = new List<string>();
        foreach (var word in words) quoted.Add(Quote(word));
        return "[" + string.Join(", ", quoted.ToArray()) + "]";
    }

    // Members of what Parse gave; of another type or missing they are "", 0 or an empty list.

    internal static string String(object map, string key) { return (Member(map, key) as string) ?? ""; }

    internal static double Double(object map, string key, double otherwise)
    {
        var value = Member(map, key);
        return value == null || value.GetType() != typeof(double) ? otherwise : (double)value;
    }

    internal static List<object> List(object map, string key)
    {
        return (Member(map, key) as List<object>) ?? new List<object>();
    }

    internal static object Member(object map, string key)
    {
        var members = map as Dictionary<string, object>;
        object value;
        return members != null && members.TryGetValue(key, out value) ? value : null;
    }

    static void Skip(string text, ref int at)
    {
        while (at < text.Length && char.IsWhiteSpace(text[at])) at++;
    }

    static object Value(string text, ref int at, int depth)
    {
        if (depth > DeepestNesting) throw new FormatException();
        Skip(text, ref at);
        switch (text[at])
        {
            case '{': return Map(text, ref at, depth);
            case '[': return Items(text, ref at, depth);
            case '"': return Letters(text, ref at);
            case 't': Expect(text, ref at, "true"); return true;
            case 'f': Expect(text, ref at, "false"); return false;
            case 'n': Expect(text, ref at, "null"); return null;
        }
        var begin = at;
        while (at < text.Length && "+-.0123456789eE".IndexOf(text[at]) >= 0) at++;
        return double.Parse(text.Substring(begin, at - begin), CultureInfo.InvariantCulture);
    }

    static object Map(string text, ref int at, int depth)
    {
        var members = new Dictionary<string, object>();
        at++;
        Skip(text, ref at);
        if (text[at] == '}') { at++; return members; }
        for (;;)
        {
            Skip(text, ref at);
            var key = Letters(text, ref at);
            Skip(text, ref at);
            Expect(text, ref at, ":");
            members[key] = Value(text, ref at, depth + 1);
            Skip(text, ref at);
            if (text[at] == '}') { at++; return members; }
            Expect(text, ref at, ",");
        }
    }

    static object Items(string text, ref int at, int depth)
    {
        var items = new List<object>();
        at++;
        Skip(text, ref at);
        if (text[at] == ']') { at++; return items; }
        for (;;)
        {
            items.Add(Value(text, ref at, depth + 1));
            Skip(text, ref at);
            if (text[at] == ']') { at++; return items; }
            Expect(text, ref at, ",");
        }
    }

    static string Letters(string text, ref int at)
    {
        Expect(text, ref at, "\"");
        var letters = new StringBuilder();
        for (; text[at] != '"'; at++)
        {
            if (text[at] != '\\') { letters.Append(text[at]); continue; }
            at++;
            switch (text[at])
            {
                case 'n': letters.Append('\n'); break;
                case 't': letters.Append('\t'); break;
                case 'r': letters.Append('\r'); break;
                case 'b': letters.Append('\b'); break;
                case 'f': letters.Append('\f'); break;
                case 'u':
                    letters.Append((char)int.Parse(text.Substring(at + 1, 4), NumberStyles.HexNumber));
                    at += 4;
                    break;
                default: letters.Append(text[at]); break;
            }
        }
        at++;
        return letters.ToString();
    }

    static void Expect(string text, ref int at, string what)
    {
        if (string.CompareOrdinal(text, at, what, 0, what.Length) != 0) throw new FormatException();
        at += what.Length;
    }
}

} // namespace Framebridge.Internal
