package com.acme;

/** What the interface is made of, and what serves it. */
public final class Quotes {
	public record Point(double x, double y) {}

	public static final class Session {
		String note;
		int asked;
	}

	public double price(long amount, double rate, String name) {
		if (name.isEmpty())
			throw new IllegalStateException("nothing has no price");
		return amount * rate;
	}

	public byte[] digest(byte[] data, int seed) {
		byte[] out = new byte[data.length];
		for (int i = 0; i < data.length; i++)
			out[i] = (byte) (data[i] + seed);
		return out;
	}

	public Point moved(Point point, double by) {
		return new Point(point.x() + by, point.y() - by);
	}

	public Session openSession(String note) {
		Session session = new Session();
		session.note = note;
		return session;
	}

	public String askSession(Session session, String question) {
		return session.note + " " + ++session.asked + ": " + question;
	}

	public void closeSession(Session session) {}
}
