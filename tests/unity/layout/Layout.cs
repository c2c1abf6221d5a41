using System;
using System.Reflection;
using System.Runtime.InteropServices;
using Framebridge.Internal;

// Prints each mirrored struct with its size, and its fields with their offsets and sizes.
static class Layout
{
    static void Main()
    {
        foreach (var type in typeof(fb_format).Assembly.GetTypes())
        {
            if (!type.Name.StartsWith("fb_") || !type.IsValueType) continue;
            Console.WriteLine(type.Name + " " + Marshal.SizeOf(type));
            foreach (var field in type.GetFields(BindingFlags.Instance | BindingFlags.Public))
                Console.WriteLine(type.Name + "." + field.Name + " " + Marshal.OffsetOf(type, field.Name)
                    + " " + Marshal.SizeOf(field.FieldType));
        }
        foreach (var field in typeof(Fb).GetFields(BindingFlags.Static | BindingFlags.NonPublic))
            Console.WriteLine("Fb." + field.Name + " " + field.GetRawConstantValue());
    }
}
