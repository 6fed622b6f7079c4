package net;

/** Native methods, as an unmodified program declares them. */
public class NetDriver {
	public record Point(int x, double y, boolean on) {}
	public record Line(Point a, Point b, byte tag) {}
	public record Ring(Ring next) {}
	public record Named(String name) {}
	public enum Kind { A, B }
	public static class Session {}

	static { System.loadLibrary("netdriver"); }

	public static native int add(int a, int b);
	public static native int nameLen(String name);
	native long digest(byte[] data, short s, char c, float f);
	static native byte[] packet(java.nio.ByteBuffer from, java.nio.file.Path path);
	static native Line line(Point p, Kind kind);
	static native Session openSession(byte b);
	static native void closeSession(Session session);
	static native void sessionClose(Session session);
	static native void disclose(Session session);
	static native Ring ring();
	static native void named(Named named);
	static native int sum(int[] values);
	static native int list(java.util.List<String> names);
	static native int twice(int a);
	static native int twice(long a);
	static native int open(String path, int flags);
	static native boolean größe(int a);

	public int notNative(int a) { return a; }
}
