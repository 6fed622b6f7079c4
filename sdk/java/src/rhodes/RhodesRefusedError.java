package rhodes;

/** A rule forbids the call, or this process is not who it should be. */
public class RhodesRefusedError extends RhodesError {
    private static final long serialVersionUID = 1;

    RhodesRefusedError(int code, boolean ran, String message) {
        super(code, ran, message);
    }
}
