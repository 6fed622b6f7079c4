import java.util.Arrays;
import net.NetDriver;

/** httpclient.py in Java: an HTTP client that brings its own TCP/IP and drives the network card
 *  itself, by the native methods of net.NetDriver.
 *
 *  <pre>java -cp httpclient.jar HttpClient SEND RECEIVE TIMEOUT_SECONDS</pre>
 *
 *  It prints one line of JSON.  It knows nothing of Rhodes. */
public final class HttpClient {
    private static final int WAIT_MS = 1000;

    private final int toSend, toReceive;
    private final long started = System.nanoTime(), timeout, ring;
    private final boolean[] seen;
    private int sent, received, damaged, distinct;
    private final NetDriver.SkBuff outgoing = new NetDriver.SkBuff();
    private final NetDriver.SkBuff incoming = new NetDriver.SkBuff();

    private HttpClient(int toSend, int toReceive, int seconds) {
        this.toSend = toSend;
        this.toReceive = toReceive;
        timeout = seconds * 1_000_000_000L;
        seen = new boolean[toReceive];
        ring = NetDriver.igbRingOpen();
        if (ring == 0)
            throw new IllegalStateException("igb_ring_open");
    }

    private static int check(int result, String what) {
        if (result < 0)
            throw new IllegalStateException(what + " failed");
        return result;
    }

    /** Sends until the driver is busy or all is sent. */
    private void send() {
        while (sent < toSend) {
            outgoing.len = Frames.request(sent, outgoing.data);
            if (check(NetDriver.igbXmitFrameRing(outgoing, ring), "igb_xmit_frame_ring")
                    == NetDriver.TX_BUSY)
                return;
            sent++;
        }
    }

    /** Pulls what the ring holds. */
    private void receive() {
        while (check(NetDriver.igbCleanRx(ring, incoming), "igb_clean_rx") > 0) {
            received++;
            int number = Frames.response(Arrays.copyOf(incoming.data, incoming.len));
            if (number < 0 || number >= toReceive) {
                damaged++;
            } else if (!seen[number]) {
                seen[number] = true;
                distinct++;
            }
        }
    }

    private void run() {
        while (sent < toSend || received < toReceive) {
            send();
            int wanted = sent < toSend ? NetDriver.TX_ROOM : 0;
            if (received < toReceive) {
                wanted |= NetDriver.RX_READY;
                receive();
            }
            if (wanted == NetDriver.TX_ROOM || received < toReceive)
                await(wanted);
        }
        await(NetDriver.TX_IDLE);
    }

    private void await(int wanted) {
        int ready = 0;
        while (wanted != 0 && (ready & wanted) == 0) {
            if (System.nanoTime() - started > timeout)
                throw new IllegalStateException("sent " + sent + " of " + toSend + ", received "
                        + received + " of " + toReceive + " in time");
            ready = check(NetDriver.igbRingWait(ring, wanted, WAIT_MS), "igb_ring_wait");
        }
    }

    private String report() {
        NetDriver.IgbStats stats = new NetDriver.IgbStats();
        check(NetDriver.igbRingStats(ring, stats), "igb_ring_stats");
        return String.format("{\"tx_frames\": %d, \"tx_errors\": %d, \"tx_busy\": %d,"
                + " \"nic_busy\": %d, \"rx_frames\": %d, \"rx_taken\": %d, \"rx_missed\": %d,"
                + " \"rx_interrupts\": %d, \"rx_polls\": %d, \"pid\": %d, \"device\": \"%s\","
                + " \"sent\": %d, \"received\": %d, \"damaged\": %d, \"lost\": %d, \"twice\": %d,"
                + " \"seconds\": %s}", stats.txFrames, stats.txErrors, stats.txBusy,
                stats.nicBusy, stats.rxFrames, stats.rxTaken, stats.rxMissed, stats.rxInterrupts,
                stats.rxPolls, ProcessHandle.current().pid(), NetDriver.igbRingDevice(ring), sent,
                received, damaged, toReceive - distinct, received - damaged - distinct,
                (System.nanoTime() - started) / 1e9);
    }

    public static void main(String[] words) {
        HttpClient client = new HttpClient(Integer.parseInt(words[0]), Integer.parseInt(words[1]),
                Integer.parseInt(words[2]));
        client.run();
        System.out.println(client.report());
        NetDriver.igbRingClose(client.ring);
    }
}
