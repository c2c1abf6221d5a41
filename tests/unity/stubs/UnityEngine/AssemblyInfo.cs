using System.Runtime.CompilerServices;

[assembly: InternalsVisibleTo("host")]
[assembly: InternalsVisibleTo("UnityEditor")]
