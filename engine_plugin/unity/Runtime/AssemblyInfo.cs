using System.Runtime.CompilerServices;

[assembly: InternalsVisibleTo("Framebridge.Editor")]
