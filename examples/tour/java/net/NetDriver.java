package net;

/** libnetdriver.so for Java, as one writes it for JNI: netdriver.h is its reference. */
public final class NetDriver {
    public static final int TX_OK = 0x00, TX_BUSY = 0x10;
    public static final int TX_ROOM = 1, TX_IDLE = 2, RX_READY = 4;

    static {
        System.loadLibrary("netdriver");
    }

    /** struct sk_buff */
    public static final class SkBuff {
        public int len;
        public byte[] data = new byte[1514];
    }

    /** struct igb_stats */
    public static final class IgbStats {
        public long txFrames, txErrors, txBusy, nicBusy, rxFrames, rxTaken, rxMissed, rxInterrupts,
                rxPolls;
    }

    private NetDriver() {
    }

    public static native long igbRingOpen();

    public static native int igbRingClose(long ring);

    public static native int igbXmitFrameRing(SkBuff skb, long ring);

    public static native int igbCleanRx(long ring, SkBuff skb);

    public static native int igbRingWait(long ring, int wanted, int timeoutMs);

    public static native int igbRingStats(long ring, IgbStats stats);

    public static native String igbRingDevice(long ring);
}
